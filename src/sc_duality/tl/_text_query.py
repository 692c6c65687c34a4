"""Write texts about groups of cells: what describe, interpret and ask share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..cells import (
    Fields,
    adata_keys,
    check_column,
    check_new_fields,
    drop_written,
    modality,
    new_fields,
    seed,
    writable,
)
from ..examples import Context, ModelCells, TextExamples, build, check_context, check_english, stored_context
from ..models import LanguageModel, Sampling, load
from ..tasks import TextTask
from ._group_texts import shown_genes, text_table
from ._model import one_sample, provenance, resolve_model, sampling_settings, warn_not_answered
from ._reasoning_table import Shown
from ._text_answers import AnswerTable, TextAnswer, generate_answers
from ._usage_meter import UsageMeter

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)


class TextSettings(NamedTuple):
    """Arguments that the tools share."""

    context: Context
    layer: str | None
    use_raw: bool | None
    sampling: Sampling | None
    sentence_key: str
    key_added: str
    mod: str
    rng: int | np.random.Generator
    copy: bool


def write_texts(
    adata: AnnData | MuData, task: TextTask, model: str | Path | LanguageModel | None, settings: TextSettings
) -> AnnData | MuData | None:
    """One text a group of the task, in ``uns[key_added]``; the copy if there is one.

    All input is checked before the model is loaded.
    """
    key, sampling, number = settings.key_added, one_sample(settings.sampling), seed(settings.rng)
    check_context(adata, settings.context, settings.mod)
    for name in [task.groupby] if isinstance(task.groupby, str) else task.groupby or ():
        check_column(adata, name, "groupby", settings.mod)
    check_new_fields(modality(adata, settings.mod), key, Fields())
    model, spec = resolve_model(model)
    check_english(spec)
    resolve_model(model, task.name)
    result, data = writable(adata, settings.mod, copy=settings.copy)
    cells = ModelCells(
        data,
        spec,
        sentence_key=settings.sentence_key,
        context=settings.context,
        layer=settings.layer,
        use_raw=settings.use_raw,
    )
    examples: TextExamples = build(task, cells)
    found = examples.predict_groups(number)
    questions = {name: examples.task.question(one) for name, one in found.items() if one is not None}
    examples.groups.log()

    engine = load(model)
    cells.store()
    usage, answers = UsageMeter(engine), AnswerTable()
    samples = generate_answers(engine, list(questions.values()), "generate", sampling, number) if questions else []
    shown = {name: shown_genes(one) for name, one in found.items() if one is not None}
    answers.add(questions, samples, shown=[Shown({name: genes}, {}) for name, genes in shown.items()])
    texts = {name: one for name, (one,) in zip(questions, samples, strict=True)}
    warn_not_answered(sum(one.status == adata_keys.NOT_ANSWERED for one in texts.values()), len(found))
    answers.warn_unreadable(key, choose=False)

    prompts = {name: question.prompt for name, question in questions.items()}
    drop_written(data, key)
    data.uns[key] = (
        provenance(
            engine,
            task=task.name,
            task_version=task.version,
            groupby=task.groupby if task.groupby is None or isinstance(task.groupby, str) else list(task.groupby),
            length=task.length,
            n_cells=task.n_cells,
            context=stored_context(settings.context),
            **task.settings(),
            **sampling_settings(sampling, "generate"),
            sentence_key=settings.sentence_key,
            rng=number,
            usage=usage.read() or None,
            **new_fields(data, Fields()),
        )
        | {adata_keys.GROUPS: text_table(engine, examples, found, prompts, texts)}
        | answers.in_uns()
        | answers.reasoning(cells.sentences.genes, engine)
    )
    logger.info("wrote uns[%r]: texts about %d of %d groups", key, _n_read(texts), len(found))
    return result if settings.copy else None


def _n_read(texts: Mapping[str, TextAnswer]) -> int:
    return sum(one.value is not None for one in texts.values())
