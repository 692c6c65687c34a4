"""Distillation: accepted completions of a teacher become training examples."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._settings import settings
from .._validation import positive_integer
from ..cells import adata_keys, seed
from ..examples import build, sample_examples
from ..models import LanguageModel, Sampling, load, resolve
from ..tasks import Reason, TrainingExample
from ..train import ACCEPTED, BELOW, NOT_ANSWERED, WRONG, Distilled, TraceFile, digest
from ._model import one_sample
from ._rejection_sampling import Filter, questions_of, sample_traces
from ._trainer_input import Tasks, known_tasks, model_cells

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Prompts whose candidates are sampled in one call and written together.
_BLOCK = 512
#: Share of accepted candidates below which a warning gives advice, by the most common reason.
_FEW = 0.05
_FORMAT = "pass a larger max_tokens= if it was cut off, or a teacher that follows instructions"
_ADVICE = {
    WRONG: "pass a stronger teacher, more context=, or more n_candidates=",
    BELOW: "pass a lower threshold=, a smaller n_genes=, or a stronger teacher",
    Reason.UNKNOWN_LABEL: "pass a teacher that spells labels as in the list, or fewer labels",
    Reason.NO_KNOWN_GENE: "pass a teacher that writes human gene symbols",
}


def distill(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    teacher: str | Path | LanguageModel,
    path: str | Path,
    *,
    tasks: Tasks,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    n_examples: int = 500,
    n_candidates: int = 4,
    threshold: float = 0.3,
    keep: int = 1,
    sampling: Sampling | None = None,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> Distilled:
    """Sample a teacher's answers with their reasoning, and keep those that match the truth.

    The teacher answers each question about labelled cells several times, and the dual question of the true answer too.
    A label must be the true one; a gene list must be similar to the true one. Accepted completions are kept in full,
    reasoning included, for ``traces=`` of :func:`train_sft`.

    An interrupted distillation resumes when it is called again with the same arguments: finished blocks of prompts are
    in ``path``, single answers in the cache, and only missing answers are requested. A finished one returns at once.

    Parameters
    ----------
    adatas
        Labelled cells, one object or several. Leave out donors that a model will be evaluated on.
    teacher
        The model that answers, such as ``"endpoint:http://localhost:8000/v1#name"``. It must have the prompt format of
        the model to be trained: general models share ``"plain"``. Pass ``sd.models.load(..., price=(in, out))`` to see
        the cost.
    path
        File for the traces, JSON lines, next to ``<path>.summary.json`` with counts and settings.
    tasks
        Tasks with their ``obs`` columns, as for :func:`train_sft`.
    context
        ``obs`` columns with facts that the teacher reads, such as ``["tissue"]``.
    n_genes
        Genes of a cell sentence; by default what the teacher reads.
    n_examples
        Examples of each task from each of ``adatas``; rare labels are sampled more often than they occur.
    n_candidates
        Candidates of a prompt; there are two prompts an example.
    threshold
        Rank-weighted Jaccard similarity, in [0, 1], from which a gene list is accepted. Two cells of one type of
        :func:`sc_duality.datasets.pbmc3k`, 100 genes each, have 0.56 in the median, two of different types 0.42; hidden
        genes alone have less.
    keep
        Accepted candidates of a prompt to keep: the most similar first, then those with reasoning.
    sampling
        Temperature (1 by default), ``top_p`` and ``max_tokens`` (by default what ``n_genes`` genes and some reasoning
        need).
    sentence_key
        Where the cell sentences lie; they are written if there are none.
    mod
        Modality of a MuData.
    rng
        Seed of examples and candidates. With ``None`` a distillation cannot be resumed.

    Returns
    -------
    ``traces``
        The file. A line has ``task``, ``side`` (``"primal"`` or ``"dual"``), prompt format and its version, ``prompt``,
        the full ``completion``, its ``score`` and the block of prompts.
    ``counts``
        One row a task and side: ``candidates``, ``accepted``, ``kept``, and a column a reason of rejection: one of
        :class:`sc_duality.tasks.Reason`, ``"wrong label"``, ``"below threshold"`` or ``"not answered"``.
    ``usage``
        ``requests``, ``prompt_tokens``, ``completion_tokens`` and ``cost`` of all calls for this file, as far as the
        teacher counts them.

    Raises
    ------
    ConnectionError
        No server answers; earlier answers are kept.
    FileExistsError
        ``path`` holds something else.
    ValueError, KeyError, TypeError
        The input cannot be used; raised before the teacher is queried.

    Notes
    -----
    CellDuality §3.3.1: rejection sampling for labels, rank-aware filtering by equation 3 for genes, and duals of true
    answers. Cell-o1, §4.2.1, sampled eight candidates and accepted 38.5 % of them.

    Examples
    --------
    The embedded model does not reason, but any teacher is used in the same way:

    >>> import sc_duality as sd
    >>> from tempfile import mkdtemp
    >>> adata = sd.datasets.pbmc3k()[::60].copy()
    >>> tasks = {"annotation": {"truth": "cell_type"}}
    >>> found = sd.tl.distill(adata, "embedded", f"{mkdtemp()}/traces.jsonl", tasks=tasks, n_examples=2, n_genes=10)
    >>> found.counts.loc["annotation", "candidates"].to_dict()
    {'dual': 8, 'primal': 8}
    """
    spec = resolve(teacher)
    chosen, number = known_tasks(spec, tasks), seed(rng)
    for name, value in (("n_examples", n_examples), ("n_candidates", n_candidates), ("keep", keep)):
        positive_integer(name, value)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold!r}")
    sampling = one_sample(sampling, "n_candidates=")
    if n_candidates > 1 and sampling.temperature == 0:
        raise ValueError(
            f"at temperature 0 all {n_candidates} candidates are equal: pass n_candidates=1, or a temperature"
        )
    generator = np.random.default_rng(number)
    examples: list[TrainingExample] = []
    objects = model_cells(adatas, spec, mod=mod, sentence_key=sentence_key, n_genes=n_genes, context=context)
    for cells in objects:
        for task in chosen:
            pool = build(task, cells).labelled(np.ones(len(cells), dtype=bool))
            examples += sample_examples(cells, pool, n_examples, generator, augment=False)
    max_tokens = spec.max_new_tokens(objects[0].n_genes)
    params = sampling.params(temperature=1.0, max_tokens=max_tokens, seed=number)
    rule = Filter(n_candidates, threshold, keep)
    questions = questions_of(examples)
    file = TraceFile(
        path,
        {
            "teacher": spec.name.partition("#")[2] or spec.name,  # a server may move
            "fingerprint": spec.fingerprint,
            "data": digest(examples),
            **rule._asdict(),
            "sampling": asdict(params),
        },
    )
    blocks = [questions[start : start + _BLOCK] for start in range(0, len(questions), _BLOCK)]
    left = {i: block for i, block in enumerate(blocks) if not file.is_done(i)}
    if left:
        sample_traces(load(teacher), left, file, rule, params, progress=settings.progress)
    table = file.table()
    _report(file.path, table)
    return Distilled(file.path, table, dict(file.usage))


def _report(path: Path, table: pd.DataFrame) -> None:
    """Log how many candidates were accepted, and advice where few were."""
    total = table.sum()
    logger.info("%s: %d of %d candidates accepted, %d kept", path, total[ACCEPTED], total["candidates"], total["kept"])
    if total.get(NOT_ANSWERED, 0):
        logger.warning("%d candidates got no answer: call again to request only these", total[NOT_ANSWERED])
    for name, counts in table.iterrows():
        answered = counts["candidates"] - counts.get(NOT_ANSWERED, 0)
        if counts[ACCEPTED] < _FEW * answered:
            reason = str(counts.drop(["candidates", ACCEPTED, "kept", NOT_ANSWERED], errors="ignore").idxmax())
            logger.warning(
                "%s: %d of %d candidates accepted, most others were rejected for %r: %s",
                " ".join(name), counts[ACCEPTED], answered, reason, _ADVICE.get(reason, _FORMAT),
            )  # fmt: skip
