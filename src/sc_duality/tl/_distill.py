"""Distillation: a teacher's answers with their reasoning, of which the right ones become lessons."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._settings import settings
from ..cells import adata_keys, modality, seed
from ..models import LanguageModel, ModelSpec, SamplingParams, load, resolve
from ..tasks import Perturbation, Reason
from ..train._distil import ACCEPTED, BELOW, NOT_ANSWERED, WRONG, Distilled, TraceFile
from ..train._lesson import Lesson
from ..train._run import digest
from ._ask import check_task, genes_asked
from ._candidates import Filter, ask, questions_of
from ._corpus import Corpus
from ._lessons import SOURCES, Columns, draw
from ._starting import several

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Prompts whose candidates are asked for in one call, and kept together.
_AT_ONCE = 512
#: Share of accepted candidates below which a warning says what to do, by the most common reason.
_FEW = 0.05
_FORMAT = "pass a larger max_tokens= if it was cut off, or a teacher that follows instructions"
_MENDS = {
    WRONG: "pass a teacher that knows more, tell it more with context=, or draw more with n_candidates=",
    BELOW: "pass a lower threshold=, fewer genes with n_genes=, or a teacher that knows more",
    Reason.UNKNOWN_LABEL: "pass a teacher that spells labels as in the list, or fewer of them",
    Reason.NO_KNOWN_GENE: "pass a teacher that writes human gene symbols",
}


def distill(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    teacher: str | Path | LanguageModel,
    out: str | Path,
    *,
    tasks: Sequence[str] = ("annotation", "generation"),
    labels: str | None = "cell_type",
    sensitivity: str | None = None,
    drug: str | None = None,
    perturbation: str | None = None,
    perturbations: Mapping[str, Perturbation | Sequence[str]] | None = None,
    match: Sequence[str] = (),
    context: Sequence[str] = (),
    n_genes: int | None = None,
    n_questions: int = 500,
    n_candidates: int = 4,
    threshold: float = 0.3,
    keep: int = 1,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_tokens: int | None = None,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> Distilled:
    """Ask a teacher, keep what is right, and learn from how it got there.

    The teacher writes several candidates to each question about labelled cells, and to its dual, which is asked about
    the true answer. An answer that is a label must be the true one; a list of genes must be like the true one. What is
    accepted is kept in full, reasoning included, for :func:`sc_duality.tl.train_sft`, ``traces=``.

    Work that was stopped goes on where it was when it is called again in the same way: whole blocks of questions are
    in ``out``, single answers in the cache. Only what has no answer yet is asked. A run that is finished comes back at
    once.

    Parameters
    ----------
    adatas
        Labelled cells, of one study or several. All of them may be asked about: leave out donors that a model is to
        be judged on later.
    teacher
        Who is asked, as ``model=`` elsewhere, such as ``"endpoint:http://localhost:8000/v1#name"``. It must be asked
        in the words (prompt_format) of the model that is to learn: general models share ``"plain"``. Pass
        ``sd.models.load(..., price=(in, out))`` to see dollars beside tokens while it runs.
    out
        File for the traces, JSON lines; ``<out>.summary.json`` beside it counts and says what was asked.
    tasks
        Some of ``"annotation"``, ``"sensitivity"``, ``"generation"``, ``"response"``.
    labels
        ``obs`` column with the true types, for annotation and generation.
    sensitivity, drug
        ``obs`` column with how each cell takes the drug, and the drug's name, for sensitivity.
    perturbation, perturbations
        ``obs`` column with what was done to each cell, and what each of its values means, for response.
    match
        ``obs`` columns in which a treated cell and its control agree.
    context
        ``obs`` columns that the teacher is told, such as ``"tissue"``.
    n_genes
        Genes of a cell that are shown; by default what the teacher is made for.
    n_questions
        Questions of each task, from each of ``adatas``. A rare type is asked about more often than it occurs.
    n_candidates
        Candidates a prompt. There are ``2 * n_candidates`` requests a question.
    threshold
        Rank-weighted Jaccard similarity, in [0, 1], from which on genes are accepted. Two cells of one type of
        :func:`sc_duality.datasets.pbmc3k`, 100 genes each, reach 0.56 in the median, two of different types 0.42;
        where only hidden genes count, in the dual of a label, all reach less.
    keep
        Candidates a prompt to keep at most: the most alike, then those that reason.
    temperature, top_p
        How freely to draw.
    max_tokens
        How much to write at most, reasoning included; by default what ``n_genes`` genes and a short reasoning need.
    key
        Where the cell sentences lie; they are written first if there are none.
    mod
        Modality of a MuData.
    rng
        Seed of the cells and of the draws. With ``None``, a run cannot be gone on with.

    Returns
    -------
    ``traces``
        The file. A line has the ``task``, the ``side`` (``"primal"`` or ``"dual"``), the prompt format, its version,
        the ``prompt``, the full ``answer``, its ``score`` and the block of questions that it is from.
    ``counts``
        One row a task and side: ``candidates``, ``accepted``, ``kept``, and a column a reason of rejection: one of
        :class:`sc_duality.tasks.Reason`, ``"wrong label"``, ``"below threshold"``, or ``"not answered"``.
    ``usage``
        ``requests``, ``prompt_tokens``, ``completion_tokens`` and ``cost`` of all calls for this file, as far as the
        teacher says.

    Raises
    ------
    ConnectionError
        If no server answers; what was answered is kept.
    FileExistsError
        If ``out`` holds something else.
    ValueError, KeyError, TypeError
        If something in the input cannot be used, before the teacher is asked; says what and how to mend it.

    Notes
    -----
    CellDuality, §3.3.1: rejection sampling for labels, rank-aware filtering by equation 3 for genes, and duals made
    from true answers. Here the dual of a question is asked whether or not its primal was accepted: it does not depend
    on it. Cell-o1, §4.2.1, is where eight candidates were drawn, of which 38.5 % were accepted.

    Examples
    --------
    The model inside this package reasons about nothing, but it is there; a teacher is asked in the same way:

    >>> import sc_duality as sd
    >>> from tempfile import mkdtemp
    >>> adata = sd.datasets.pbmc3k()[::60].copy()
    >>> found = sd.tl.distill(
    ...     adata, "embedded", f"{mkdtemp()}/traces.jsonl", tasks=["annotation"], n_questions=2, n_genes=10
    ... )
    >>> found.counts.loc["annotation", "candidates"].to_dict()
    {'dual': 8, 'primal': 8}
    """
    columns = Columns(labels, sensitivity, drug, perturbation, perturbations or {}, tuple(match))
    spec = resolve(teacher)
    _check_tasks(spec, tasks)
    for name, value in (("n_questions", n_questions), ("n_candidates", n_candidates), ("keep", keep)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold!r}")
    if n_candidates > 1 and temperature == 0:
        raise ValueError(f"at temperature=0 all {n_candidates} candidates are the same: pass n_candidates=1, or draw")
    number = seed(rng)
    room = spec.max_new_tokens(genes_asked(spec, n_genes)) if max_tokens is None else max_tokens
    sampling = SamplingParams(max_tokens=room, temperature=temperature, top_p=top_p, seed=number)
    draws = np.random.default_rng(number)
    lessons: list[Lesson] = []
    for adata in several(adatas):
        corpus = Corpus(modality(adata, mod), spec, key=key, n_genes=n_genes, context=context)
        for task in tasks:
            source = SOURCES[task](corpus, spec, columns, np.ones(len(corpus.names), dtype=bool))
            lessons += draw(corpus, source, n_questions, draws, augment=False)
    how = Filter(n_candidates, threshold, keep)
    questions = questions_of(lessons)
    file = TraceFile(
        out,
        {
            "teacher": spec.name.partition("#")[2] or spec.name,  # a server may move
            "fingerprint": spec.fingerprint,
            "data": digest(lessons),
            **how._asdict(),
            "sampling": asdict(sampling),
        },
    )
    blocks = [questions[start : start + _AT_ONCE] for start in range(0, len(questions), _AT_ONCE)]
    left = {i: block for i, block in enumerate(blocks) if not file.is_done(i)}
    if left:
        ask(load(teacher), left, file, how, sampling, progress=settings.progress)
    table = file.table()
    _report(file.path, table)
    return Distilled(file.path, table, dict(file.usage))


def _check_tasks(spec: ModelSpec, tasks: Sequence[str]) -> None:
    if isinstance(tasks, str):
        raise TypeError(f"tasks must be a list, got the string {tasks!r}")
    if not tasks or not set(tasks) <= set(SOURCES) or len(set(tasks)) < len(tasks):
        raise ValueError(f"tasks must be some of {', '.join(SOURCES)}, each once, got {list(tasks)}")
    for task in tasks:
        check_task(spec, task)


def _report(path: Path, table: pd.DataFrame) -> None:
    """Say what came out, what can be mended, and how."""
    total = table.sum()
    logger.info("%s: %d of %d candidates accepted, %d kept", path, total[ACCEPTED], total["candidates"], total["kept"])
    if total.get(NOT_ANSWERED, 0):
        logger.warning("%d candidates got no answer: call again to ask for these alone", total[NOT_ANSWERED])
    for name, counts in table.iterrows():
        answered = counts["candidates"] - counts.get(NOT_ANSWERED, 0)
        if counts[ACCEPTED] < _FEW * answered:
            reason = str(counts.drop(["candidates", ACCEPTED, "kept", NOT_ANSWERED], errors="ignore").idxmax())
            logger.warning(
                "%s: %d of %d candidates accepted, most of the others are rejected for %r: %s",
                " ".join(name), counts[ACCEPTED], answered, reason, _MENDS.get(reason, _FORMAT),
            )  # fmt: skip
