"""Supervised training: a model learns tasks and their duals from labelled cells."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._settings import settings
from ..cells import adata_keys, modality, seed
from ..tasks import Perturbation
from ..train._distil import read_traces
from ..train._lesson import Lesson
from ..train._run import Run, Trained, digest
from ..train._settings import check_options
from ..train._trl import check_trl
from ._corpus import Corpus
from ._lessons import SOURCES, Columns, draw
from ._starting import in_other_words, several, start_of

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: Lessons of each task that held-out donors are judged on, at most.
_JUDGED = 100


def train_sft(
    adatas: AnnData | MuData | Sequence[AnnData | MuData],
    model: str | Path,
    out: str | Path,
    *,
    tasks: Sequence[str] = ("annotation", "generation"),
    labels: str | None = "cell_type",
    sensitivity: str | None = None,
    drug: str | None = None,
    perturbation: str | None = None,
    perturbations: Mapping[str, Perturbation | Sequence[str]] | None = None,
    match: Sequence[str] = (),
    donor: str | None = None,
    held_out: float | Sequence[str] = 0.1,
    context: Sequence[str] = (),
    n_genes: int | None = None,
    augment: bool = True,
    wordings: Sequence[str | Path] = (),
    contrast: float = 0.0,
    traces: str | Path | None = None,
    lora: int | Mapping[str, Any] | None = None,
    epochs: float = 3,
    batch_size: int = 32,
    learning_rate: float = 1e-5,
    key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> Trained:
    """Teach a model tasks and their duals on labelled cells.

    Every lesson is a question with its true answer, and the same question backwards: of a label the genes that
    were hidden, of a cell that was written the type or the perturbation. What comes out answers both ways, and is
    what :func:`train_grpo_duality` starts from.

    Parameters
    ----------
    adatas
        Labelled cells, one object or several, such as one a study. Sentences are written first if there are none.
    model
        What to go on from: a name of :func:`sc_duality.models.available`, a folder, or a hub repository. Its weights
        are read anew, so that a loaded model or a server will not do.
    out
        Folder for the model. One that holds the same run, unfinished, is gone on with from its last checkpoint, and
        ends as if it had never been stopped; one that holds it finished is returned at once.
    tasks
        Some of ``"annotation"``, ``"sensitivity"``, ``"generation"`` and ``"response"``. Each gets as many lessons as
        there are cells for it.
    labels
        ``obs`` column with types, for annotation and generation. Missing values are left out. Types are drawn in
        proportion to the square root of their number of cells.
    sensitivity, drug
        ``obs`` column that says how cells took a drug, and the drug's name.
    perturbation, perturbations
        ``obs`` column that says what was done to cells, and what its values mean, as a
        :class:`sc_duality.tasks.Perturbation` or its fields, such as
        ``{"ctrl": ("control",), "stim": ("cytokine", "IFNB1")}``; values that are not named are left out.
    match
        ``obs`` columns in which a control cell agrees with what it is said to become, such as
        ``["donor", "cell_type"]``.
    donor
        ``obs`` column with donors. Whole donors are held out, to judge by.
    held_out
        Share of donors that are held out, or their names; without ``donor``, share of cells.
    context
        ``obs`` columns with facts that the model is told, such as ``["tissue"]``.
    n_genes
        Genes of a sentence; by default what the model is made for.
    augment
        Whether cells are shown as other laboratories might have seen them: fewer counts, genes missing, ranks
        jittered, sentences cut. Cells that are held out stay as they are.
    wordings
        Further prompt formats, shipped or your own folders, in which general models meet the lessons too, each as
        often as their own, such as ``["terse"]``: they learn the task then, and not a sentence. What is held out is
        asked in the model's own words.
    contrast
        Above 0, how much it counts that the dual of annotation and sensitivity tells the true label from two wrong
        ones, beside the loss of the texts. 1 makes a judge of a dual that would ignore the label.
    traces
        File of :func:`distill`: what the teacher wrote is learned beside the lessons, ``epochs`` times.
    lora
        Rank of a low-rank adapter, or the fields of a ``peft.LoraConfig``; by default all weights are trained. The
        adapter is merged in the end.
    epochs
        Lessons for each cell.
    batch_size
        Texts of one update, over all processes; a lesson has two.
    learning_rate
        Peak of the learning rate of AdamW, which then falls to 0.
    key
        Where the cell sentences lie.
    mod
        Modality, if an object is a MuData.
    rng
        Seed of everything that is drawn.
    options
        More for ``trl.SFTConfig``, such as ``packing=True``, ``per_device_train_batch_size=4`` or
        ``gradient_checkpointing=True``.

    Returns
    -------
    A named pair:

    ``model``
        ``out``. It holds weights, tokenizer and ``sc_duality.json`` (how the model wants to be asked), so that
        ``model=`` takes it everywhere; ``history.csv``; ``training.json`` with all settings, versions and
        ``accuracy``, that of the model and of its dual on what was held out; and ``checkpoints``.
    ``history``
        DataFrame with one row a step: ``loss`` (nats a token of the answers), ``token_accuracy``, ``learning_rate``;
        five times a run ``eval_loss``, ``<task>/accuracy`` and ``<task>/dual_accuracy`` on what was held out.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something in the input cannot be used, or a text is longer than the model reads, before the model is
        loaded; says what and how to mend it.
    FileExistsError
        ``out`` holds another run, or other files.
    ImportError
        TRL is missing, or of a release that was never tried.

    Notes
    -----
    Minimised is the negative log-likelihood of the answers of both directions (CellDuality §3.3.2, equation 1, with 3
    epochs at 1e-5 as in the paper), without the paper's reasoning: :func:`distill` brings that. Half of the duals of
    a label see the label alone, half see observed genes too, with changing shares of hidden genes. ``contrast`` is
    ours: it adds −log softmax of 0.3 times the log-likelihoods of the hidden genes after the true and the wrong labels.

    Several processes train one model with ``accelerate launch`` on a script that calls this, or on
    ``python -m sc_duality``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> model, history = sd.tl.train_sft(adata, "embedded", "my-model", labels="cell_type")  # doctest: +SKIP
    >>> sd.tl.annotate(adata, model, labels="blood")  # doctest: +SKIP
    """
    columns = Columns(labels, sensitivity, drug, perturbation, perturbations or {}, tuple(match))
    spec = start_of(model, tasks, SOURCES)
    check_options(options, lora)
    if epochs <= 0 or contrast < 0 or learning_rate <= 0 or batch_size < 1:
        raise ValueError("epochs, learning_rate and batch_size must be positive, contrast must not be negative")
    if contrast and not {"annotation", "sensitivity"} & set(tasks):
        raise ValueError(f"contrast= tells labels apart, and {', '.join(tasks)} has none: leave it out")
    if contrast and options.get("packing"):
        raise ValueError("packing=True cannot be had with contrast=, which compares whole texts: leave one out")
    spoken = [spec, *(in_other_words(spec, prompt_format) for prompt_format in wordings)]
    taught = [] if traces is None else read_traces(traces, spec)
    number = seed(rng)
    draws = np.random.default_rng(number)
    corpora = [Corpus(modality(one, mod), spec, key=key, n_genes=n_genes, context=context) for one in several(adatas)]
    learned: list[Lesson] = []
    judged: list[Lesson] = []
    for corpus, held in zip(corpora, _held_out(corpora, donor, held_out, draws), strict=True):
        for task in tasks:
            if not held.all():
                for wording in spoken:
                    source = SOURCES[task](corpus, wording, columns, ~held)
                    n = max(1, round(epochs * len(source.rows) / len(spoken)))
                    learned += draw(corpus, source, n, draws, augment=augment)
            if held.any():
                source = SOURCES[task](corpus, spec, columns, held)
                judged += draw(corpus, source, min(_JUDGED, len(source.rows)), draws, augment=False)
    if not learned:
        raise ValueError(f"held_out={held_out!r} leaves no cell to learn from: hold fewer out")
    rows = [*learned, *taught * max(1, round(epochs))]
    run = Run(
        out,
        {
            "kind": "sft", "model": spec.name, "fingerprint": spec.fingerprint, "tasks": list(tasks),
            "data": digest(learned), "traces": digest(taught), "contrast": contrast, "lora": lora, "epochs": epochs,
            "batch_size": batch_size, "learning_rate": learning_rate, "rng": number, "options": options,
        },
    )  # fmt: skip
    finished = run.finished()
    if finished is not None:
        return finished
    check_trl()
    from ..train._progress import bars
    from ..train._sft import fit

    logger.info("%d lessons and %d traces, %d lessons to judge by", len(learned), len(taught), len(judged))
    with bars(shown=settings.progress):
        return fit(
            spec,
            [rows[i] for i in draws.permutation(len(rows))],
            judged,
            run,
            contrast=contrast,
            lora=lora,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=number,
            progress=settings.progress,
            options=options,
        )


def _held_out(
    corpora: Sequence[Corpus], donor: str | None, held_out: float | Sequence[str], rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Which cells are held out: those of some donors, or, where no donors are known, of a share drawn at random."""
    share = held_out if isinstance(held_out, int | float) else 0.0
    if not 0 <= share < 1 or isinstance(held_out, str) or (donor is None and share != held_out):
        raise ValueError(
            f"held_out must be from 0 to below 1, or, with donor=, a list of names of donors, got {held_out!r}"
        )
    if donor is None:
        if share:
            logger.warning("donor= is not named: cells are held out at random, which flatters what they measure")
        return [rng.random(len(corpus.names)) < share for corpus in corpora]
    donors = [corpus.column(donor, "donor") for corpus in corpora]
    known = sorted({name for names in donors for name in names if name is not None})
    if share:
        chosen = rng.choice(known, min(max(1, round(share * len(known))), len(known) - 1), replace=False).tolist()
    else:
        chosen = list(held_out) if not isinstance(held_out, int | float) else []
    strange = [name for name in chosen if name not in known]
    if strange:
        raise ValueError(f"held_out names {strange}, but the donors in obs[{donor!r}] are {', '.join(known)}")
    return [np.isin(names.astype(str), chosen) for names in donors]
