"""Compare generated cells with real cells, and predicted labels with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike

from .._validation import choice
from ..cells import adata_keys, check_column, modality, seed
from ._cell_eval import ALL_METRICS, cell_eval_scores, metric_names
from ._cell_scores import POPULATIONS, population_scores, user_embedding
from ._change_scores import CHANGES, change_scores
from ._compared_space import ComparedSpace, ExpressionSpace, SentenceSpace
from ._label_scores import BY_LABEL, SUMMARIES, label_scores
from ._score_table import conditions, groups, score_table

if TYPE_CHECKING:
    from mudata import MuData


def evaluate(
    adata: AnnData | MuData,
    truth: AnnData | MuData | str,
    groupby: str | None = None,
    *,
    metrics: Iterable[str] | None = None,
    on: Literal["sentences", "expression"] = "sentences",
    embedding: str | Callable[[AnnData], ArrayLike] | None = None,
    fit: AnnData | MuData | None = None,
    control: AnnData | MuData | None = None,
    key: str = adata_keys.ANNOTATION,
    n_genes: int | None = None,
    n_top: int = 20,
    max_cells: int = 500,
    sentence_key: str = adata_keys.SENTENCE,
    mod: str = "rna",
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Compare generated or predicted cells with real cells, or predicted labels with true labels.

    **Cells**, where ``truth`` holds real cells. By default sentences are compared, as most generated cells have
    expression that was rebuilt from a sentence: the sentences of both sides are limited to the shared genes of both
    vocabularies and to the same number of genes, and a gene at rank r of n has the weight log10((n + 1) / r), others 0.
    With ``on="expression"``, log(1 + counts per 10,000) of the shared genes is compared, which keeps the size of
    changes. The default embedding is the first 50 principal components (fewer with few cells) of the real cells in
    ``fit``, which should not be the cells that are compared: components describe the cells that they were fitted to
    better than any others. Without ``fit``, at most half of the real cells of each condition are compared, and the
    components are fitted to the rest.

    Cells of one condition are compared with real cells of the same condition:

    - ``frechet`` (scFID), ``mmd``, ``wasserstein`` (order 2, exact), ``gromov_wasserstein``: see
      :mod:`sc_duality.metrics`, with its defaults.
    - ``knn_accuracy`` for k = 3, 5, 10 and 25: share of the condition's generated cells that a classifier of the real
      cells of all conditions assigns to it. Needs ``groupby``.
    - ``pearson``: correlation over genes of the change from ``control``, mean predicted minus mean control against mean
      observed minus mean control, over all genes of the three sides, and over the ``n_top`` that change most in the
      real cells. ``kendall``: τ-b of the same changes over all genes. Both use rank weights or expression of all cells,
      whatever the embedding, and need ``control``. With ``on="expression"``, the predicted change is that from
      ``adata.layers["control"]`` where there is one, as :func:`perturb` writes it.
    - ``cell-eval``: all metrics of the package cell-eval, or some by name: ``overlap_at_N`` (overlap of differentially
      expressed genes, DES), ``discrimination_score_l1`` (perturbation discrimination score, PDS), ``mae``,
      ``pearson_delta`` and more. They compare expression, whatever ``on`` says, and need ``control``, which are the
      control cells of both sides. Name conditions by the gene that was knocked down to leave it out of the
      discrimination score.

    **Labels**, where ``truth`` is a column of ``obs``: ``obs[key]`` over the cells with a true label. Names and ids of
    the Cell Ontology are compared as its terms, so that ``"NK cells"`` is ``"natural killer cell"``; other labels by
    their text without case and spacing. Missing and ``unknown`` predictions are wrong. Cells whose true label is
    missing or ``unknown`` are left out, and ``note`` has their number.

    - ``accuracy``: share of cells with exactly the true type. ``coarser``: share with an ancestor of it in the Cell
      Ontology, such as T cell for a CD8 T cell. ``finer``: share with a descendant. ``wrong``: all others.
      ``accuracy_ontology``: exact, coarser or finer.
    - ``precision``, ``recall``, ``f1`` of each true type, and their means ``macro_precision``, ``macro_recall``,
      ``macro_f1``, at the level of the true types: a prediction that is finer than all of them counts as the nearest
      one above it. The precision of a type that was never predicted is 0.

    If no label of one side can be a label of the other, every value is NaN and ``note`` says why.

    Parameters
    ----------
    adata
        Generated cells with sentences, as from :func:`generate` or :func:`perturb`; or annotated cells. A cell with an
        empty sentence counts as a cell without genes: subset ``adata`` to leave it out.
    truth
        Real cells with sentences; or an ``obs`` column with true labels.
    groupby
        ``obs`` column with the condition, on every side: cell type, perturbation, donor. One condition by default. For
        labels, scores by type are of all conditions together.
    metrics
        Names from the lists above; by default all that the other arguments allow, without those of cell-eval.
    on
        What is compared of cells: ``"sentences"``, or ``"expression"`` in the matrix that sentences were ranked from
        (``X`` without sentences). Counts are normalised; logarithms may have any base. If their unit cannot be told,
        an error says how to state it.
    embedding
        Instead of principal components: a key of ``obsm`` on both sides, or a function that takes an AnnData and
        returns cells × dimensions. All real cells are compared then.
    fit
        Real cells with sentences to fit the principal components to, such as training cells. All cells of ``truth`` are
        compared then.
    control
        Real control cells. If they have some of the conditions in ``obs[groupby]``, each condition is
        compared with its own; otherwise with all of them.
    key
        The predicted labels.
    n_genes
        Genes of a sentence that count; by default the most that at least half of the cells on every side have.
    n_top
        Most changed genes of the second ``pearson``.
    max_cells
        Most cells of a condition on each side, sampled with ``rng``. Time and memory grow with its square.
        ``pearson``, ``kendall`` and the metrics of cell-eval use all cells.
    sentence_key
        Where the sentences lie, on every side.
    mod
        Modality of a MuData.
    rng
        Seed of sampling, or a generator.

    Returns
    -------
    For cells, a table with a row for each metric and condition, and one for the mean over conditions
    (``condition="mean"``): ``metric``, ``condition``, ``value``, ``n_real`` and ``n_generated`` (cells that were
    compared), ``embedding`` and ``note``.

    For labels: ``metric``, ``condition`` (``"all"``; with ``groupby`` each condition and ``"mean"``), ``label`` (the
    true type of scores by type, else empty), ``value``, ``n_cells`` (with a true label), ``n_predicted`` (of these,
    with a label other than ``unknown``) and ``note``.

    A value that is not defined, as with fewer
    than two cells, is NaN and ``note`` says why; the mean leaves it out. Nothing is written into ``adata``.

    Raises
    ------
    ImportError
        POT or cell-eval is not installed and a metric needs it.
    KeyError
        There are no sentences, or no such column or embedding.
    ValueError
        The objects share no condition or no gene, an embedding is invalid, a metric is unknown or lacks an argument, or
        expression is negative or of an unknown unit.

    Notes
    -----
    scFID, MMD and Wasserstein are computed per condition and averaged as in C2S-Scale, sections 4.7.9 and 4.8, which
    embeds with scGPT. They depend on the embedding and on the numbers of genes and cells: compare values only where
    these agree.

    If ``control`` are the cells that the prediction started from, their noise is in the predicted and in the observed
    change, and correlates. Pass other control cells where effects are small.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> sd.pp.cell_sentences(adata)
    >>> real, generated = adata[::2], adata[1::2]  # other real cells stand in for generated ones
    >>> scores = sd.tl.evaluate(generated, real, "cell_type", metrics=["frechet", "knn_accuracy"])
    >>> scores.loc[scores["condition"] == "mean", "metric"].tolist()
    ['frechet', 'knn_accuracy_3', 'knn_accuracy_5', 'knn_accuracy_10', 'knn_accuracy_25']
    >>> adata.obs["annotation"] = adata.obs["cell_type"].astype(str).replace(["CD4 T cells", "NK cells"], "T cell")
    >>> table = sd.tl.evaluate(adata, "cell_type", metrics=["accuracy", "coarser", "wrong"])
    >>> table["value"].round(2).tolist()
    [0.68, 0.16, 0.16]
    """
    data = modality(adata, mod)
    requested = None if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
    if isinstance(truth, str):
        for argument, name in (("truth", truth), ("key", key), ("groupby", groupby)):
            if name is not None:
                check_column(adata, name, argument, mod)
        return label_scores(data, truth, groupby, key, _chosen(requested, dict.fromkeys((*SUMMARIES, *BY_LABEL))))
    real = modality(truth, mod)
    controls = None if control is None else modality(control, mod)
    fitted = None if fit is None else modality(fit, mod)
    lacks_control = None if controls is not None else "control"
    needs = {"knn_accuracy": None if groupby else "groupby", **dict.fromkeys(CHANGES, lacks_control)}
    external = metric_names(requested or ())
    needs = {**dict.fromkeys(POPULATIONS), **needs, **dict.fromkeys((ALL_METRICS, *external), lacks_control)}
    chosen = _chosen(requested, needs, default=[*POPULATIONS, "knn_accuracy", *CHANGES])
    if max_cells < 1 or n_top < 2:
        raise ValueError(f"max_cells must be at least 1 and n_top at least 2, got {max_cells!r} and {n_top!r}")
    choice("on", on, ("sentences", "expression"))
    if on == "expression" and n_genes is not None:
        raise ValueError(f"n_genes={n_genes!r} cuts sentences: leave it out with on='expression'")
    expression = ExpressionSpace(sentence_key)
    space: ComparedSpace = expression if on == "expression" else SentenceSpace(sentence_key, n_genes)
    number = seed(rng)
    sides = conditions(real, groupby, "real"), conditions(data, groupby, "generated")
    tables = []
    if any(name in POPULATIONS or name == "knn_accuracy" for name in chosen):
        cells = groups(*sides, max_cells, number, half=embedding is None and fitted is None)
        if embedding is None:
            embedded = space.project(real, data, fitted, np.concatenate([group.real for group in cells]), number)
        else:
            embedded = user_embedding(real, data, embedding)
        tables.append(score_table(cells, population_scores(chosen, cells, embedded)))
    if controls is not None and set(chosen) & {*CHANGES, ALL_METRICS, *external}:
        cells, of_control = (
            groups(*sides),
            conditions(controls, groupby if groupby in controls.obs else None, "control"),
        )
        if set(chosen) & set(CHANGES):
            populations = space.populations(real, data, controls)
            tables.append(score_table(cells, change_scores(populations, of_control, sides[1], chosen, n_top)))
        if external:
            populations = expression.populations(real, data, controls)
            tables.append(score_table(cells, cell_eval_scores(populations, cells, of_control, sides[1], external)))
    return pd.concat(tables, ignore_index=True)


def _chosen(
    requested: list[str] | None, needs: Mapping[str, str | None], default: Iterable[str] | None = None
) -> list[str]:
    """The metrics to compute; ``needs`` names the argument that each one lacks."""
    if requested is None:
        return [name for name in default or needs if needs[name] is None]
    unknown = [name for name in requested if name not in needs]
    if unknown or not requested:
        more = (
            ' or the name of one of its metrics, with pip install "sc-duality[cell-eval]"'
            if ALL_METRICS in needs
            else ""
        )
        raise ValueError(f"metrics={requested}: choose from {', '.join(needs)}{more}")
    lacking = next((name for name in requested if needs[name]), None)
    if lacking:
        raise ValueError(f"the metric {lacking!r} needs {needs[lacking]}=: pass it")
    return requested
