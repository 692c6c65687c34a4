"""Query a model about several groups or cells at once, each of another type, and let its samples vote (Cell-o1)."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cells import adata_keys
from ..examples import ClusterExamples, LabelExamples, ModelCells, cell_rng
from ..models import LanguageModel, ModelSpec, Sampling
from ..tasks import Annotation, JointAnnotation, JointAnnotationExample, LabelExample, PromptFormat, Question
from ._assignment import best_assignment
from ._cluster_labels import label_names, written_names
from ._label_predictions import LabelPredictions
from ._reasoning_table import Shown
from ._text_answers import AnswerTable, TextAnswer, generate_answers
from ._units import Units

logger = logging.getLogger(__name__)

#: Cells or groups of a prompt at most, as in Cell-o1; more are split into several prompts.
_MAX_CELLS = 15
#: Votes of a label without any.
_NO_VOTES = 1e-3


class JointPrompt(NamedTuple):
    """One question about several units, in this order."""

    name: str
    units: NDArray[np.int64]
    example: JointAnnotationExample
    question: Question


def check_joint_model(spec: ModelSpec) -> None:
    """Refuse a model that cannot be queried about several cells at once."""
    trained = spec.tasks is None or JointAnnotation.name in spec.tasks
    if not (trained and PromptFormat(spec.prompt_format).has_template(JointAnnotation.name)):
        raise ValueError(
            f"the model {spec.name!r} reads one cell at a time: pass method='score', which compares the labels of all "
            "groups, or a general model"
        )


def check_unit_names(units: Units) -> None:
    """Refuse cells whose names repeat: their answers could not be told apart."""
    repeated = [name for name, n in Counter(units.names).items() if n > 1]
    if repeated:
        raise ValueError(
            f"{len(repeated)} names of cells repeat, such as {repeated[0]!r}: adata.obs_names_make_unique()"
        )


def names_freely(spec: ModelSpec, labels: Sequence[str] | str | None) -> bool:
    """Whether there are no labels to choose from."""
    return labels is None and not spec.known(Annotation.name, "labels", ())


def unit_examples(examples: LabelExamples | ClusterExamples, units: Units) -> list[LabelExample | None]:
    """The example of each unit, ``None`` for one without genes that the model knows."""
    if isinstance(examples, ClusterExamples):
        groups = examples.predict_groups()
        return [groups[name] for name in units.names]
    cells = examples.predict(slice(0, len(examples.cells)), options=())
    row = {unit: row for row, unit in enumerate(units.of_cell)}
    return [cells[row[unit]] for unit in range(len(units.names))]


def predict_jointly(
    model: LanguageModel,
    examples: Sequence[LabelExample | None],
    cells: ModelCells,
    labels: Mapping[str, str],
    units: Units,
    sampling: Sampling,
    seed: int,
    answers: AnswerTable,
) -> tuple[LabelPredictions, list[str]]:
    """Labels of all units: in each batch those with the most votes such that no two are the same.

    A batch of more than 15 units is split into several prompts with all labels each, at random and anew for each
    sample. The votes of all samples are counted together, so that the labels are unique over the whole batch.

    Parameters
    ----------
    model
        The model.
    examples
        The example of each unit, ``None`` for one without genes that the model knows.
    cells
        The cells as the model reads them.
    labels
        Options, each with the model's own name for it; none to name types freely.
    units
        The units.
    sampling
        Its ``n_samples`` are the votes of a batch.
    seed
        Seed of sampling and of splitting.
    answers
        Gets the generated texts.

    Returns
    -------
    One prediction a unit, whose confidence is the share of the votes, and the labels as they are written into ``obs``.
    """
    task = JointAnnotation().for_model(cells.spec.prompt_format, cells.spec.genes)
    prompts = [
        _prompt(task, name, members, _joint_example([examples[i] for i in members], options))
        for batch, options in ((batch, _options(units, batch, labels)) for batch in units.batches)
        for sample in range(sampling.n_samples)
        for name, members in _parts(batch, _readable(examples, units.batches[batch]), sample, seed)
    ]
    logger.info("%d batches × %d samples: %d prompts", len(units.batches), sampling.n_samples, len(prompts))
    prompts.sort(key=lambda prompt: -prompt.question.answer_type.n_tokens)  # the first decides on the token budget
    questions = [prompt.question for prompt in prompts]
    texts = generate_answers(model, questions, "generate", replace(sampling, n_samples=1), seed) if prompts else []
    read = [one for samples in texts for one in samples]
    written = written_names(labels, (label for one in read if one.value is not None for label in one.value))
    _add_answers(answers, prompts, read, written, units)
    _log_illegal(read)
    return _count_votes(labels, units, prompts, read, written)


def _prompt(
    task: JointAnnotation, name: str, members: NDArray[np.int64], example: JointAnnotationExample
) -> JointPrompt:
    return JointPrompt(name, members, example, task.question(example))


def _readable(examples: Sequence[LabelExample | None], members: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([i for i in members if examples[i] is not None], dtype=int)


def _options(units: Units, batch: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """The model's names of the labels of a batch, "unknown" for the units that are more than its labels."""
    names = list(labels.values())
    options = [names[i] for i in units.options(batch, labels)]
    n_more = len(units.batches[batch]) - len(options) if options else 0
    return (*options, *[adata_keys.UNKNOWN] * n_more)


def _parts(batch: str, members: NDArray[np.int64], sample: int, seed: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The units of each prompt about a batch, with a name for it."""
    n_parts = -(-len(members) // _MAX_CELLS)
    if n_parts <= 1:
        yield from [(batch, members)] * n_parts
        return
    order = cell_rng(seed, "split", f"{batch} {sample}").permutation(members)
    for i, part in enumerate(np.array_split(order, n_parts), 1):
        yield f"{batch} ({i} of {n_parts})", np.sort(part)


def _joint_example(examples: Sequence[Any], options: tuple[str, ...]) -> JointAnnotationExample:
    """The example of several units; facts that are not the same for all of them are left out."""
    contexts = [example.context for example in examples]
    are_clusters = all(hasattr(example, "n_cells") for example in examples)
    return JointAnnotationExample(
        cells=tuple(example.genes for example in examples),
        options=options,
        markers=tuple(example.markers for example in examples) if are_clusters else (),
        n_cells=tuple(example.n_cells for example in examples) if are_clusters else (),
        context={name: fact for name, fact in contexts[0].items() if all(one.get(name) == fact for one in contexts)},
    )


def _add_answers(
    answers: AnswerTable,
    prompts: Sequence[JointPrompt],
    read: Sequence[TextAnswer],
    written: Mapping[str, str],
    units: Units,
) -> None:
    """Add the answers about each batch, with what its prompt showed of each unit."""
    samples: Counter[str] = Counter()
    for prompt, one in zip(prompts, read, strict=True):
        genes = {
            units.names[unit]: (*itertools.chain(*prompt.example.markers[i : i + 1]), *prompt.example.cells[i])
            for i, unit in enumerate(prompt.units)
        }
        labels = {option: written.get(option, option) for option in prompt.example.options or one.value or ()}
        answers.add([prompt.name], [[one]], partial(_listed, written), [Shown(genes, labels)], samples[prompt.name])
        samples[prompt.name] += 1


def _listed(written: Mapping[str, str], labels: Sequence[str]) -> str:
    return " | ".join(written.get(label, label) for label in labels)


def _log_illegal(read: Sequence[TextAnswer]) -> None:
    """How many answers give no legal assignment, by reason."""
    reasons = Counter(one.status for one in read if one.value is None)
    if reasons:
        listed = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
        logger.info("%d of %d answers are not legal: %s", reasons.total(), len(read), listed)


def _count_votes(
    labels: Mapping[str, str],
    units: Units,
    prompts: Sequence[JointPrompt],
    read: Sequence[TextAnswer],
    written: Mapping[str, str],
) -> tuple[LabelPredictions, list[str]]:
    """The assignment with the most votes of each batch."""
    votes: list[Counter[str]] = [Counter() for _ in units.names]
    status = np.full(len(units.names), adata_keys.NO_GENES, dtype=object)
    for prompt, one in zip(prompts, read, strict=True):
        for unit, label in zip(prompt.units, one.value or (), strict=one.value is not None):
            votes[unit][written.get(label, label)] += 1
        # A missing answer counts first, so that calling again gives what would have been without the failure.
        kept = np.isin(status[prompt.units], (adata_keys.NOT_ANSWERED, adata_keys.OK))
        kept &= one.status != adata_keys.NOT_ANSWERED
        status[prompt.units] = np.where(kept, status[prompt.units], one.status)
    names = [name for name in label_names(labels, dict(enumerate(votes))) if labels or name != adata_keys.UNKNOWN]
    counts = np.array([[found[name] for name in names] for found in votes], dtype=float).reshape(len(votes), -1)
    best = np.full(len(votes), -1)
    for batch, members in units.batches.items():
        options = np.array(units.options(batch, names), dtype=int)
        members = members[status[members] == adata_keys.OK]
        if len(members) and len(options):
            chosen = best_assignment(np.log(counts[np.ix_(members, options)] + _NO_VOTES))
            best[members] = np.where(chosen < 0, -1, options[chosen])
    n_votes = np.array([found.total() for found in votes])
    share = counts[np.arange(len(best)), best] / np.where(n_votes, n_votes, np.nan) if names else np.zeros(len(best))
    best[share == 0] = -1
    status[(best < 0) & (status == adata_keys.OK)] = adata_keys.UNKNOWN
    share[best < 0] = np.nan
    return LabelPredictions(best, status, share, None, None), names
