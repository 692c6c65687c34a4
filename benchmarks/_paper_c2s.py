"""C2S-Scale: annotation and embedding of Immune 1, and the tasks of table 1 on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anndata as ad
import numpy as np
from sklearn.decomposition import PCA

import sc_duality as sd
from benchmarks import _paper_labels as labels
from benchmarks._paper_annotation import AnnotationPart
from benchmarks._paper_data import PaperData
from benchmarks._paper_expression import log_normalised, variable_genes
from benchmarks._paper_generation import in_memory
from benchmarks._paper_response import HOW, NOT_REPEATED, PART
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel

_LABEL, _DATA = "cell_type", "dominguez_conde2022"
#: Training and test cells of Immune 1, the seed of their choice, and the fewest cells with a gene.
N_TRAIN, N_TEST, SEED, MIN_CELLS = 10_000, 1_000, 42, 3
PROBE = "linear probe, accuracy (%)"
_N_COMPONENTS = 50


def immune_split(data: PaperData, setting: Setting, columns: tuple[str, ...] = ()) -> Split:
    """Random cells, ten for training and one for the test; types without training cells are left out."""

    def choose(adata: ad.AnnData) -> ad.AnnData:
        known = np.flatnonzero(adata.obs[_LABEL].notna().to_numpy())
        rows = np.random.default_rng(SEED).permutation(known)[: N_TRAIN + N_TEST]
        n_test = max(1, round(len(rows) * N_TEST / (N_TRAIN + N_TEST)))
        chosen = {"test": rows[:n_test][: setting.max_cells], "train": rows[n_test:]}
        return in_memory(adata, chosen, columns)

    cells = data.read(_DATA, choose, backed=True)
    cells = cells[:, cells.X.getnnz(axis=0) >= MIN_CELLS].copy()
    train = cells[(cells.obs["role"] == "train").to_numpy()].copy()
    tested = (cells.obs["role"] == "test") & cells.obs[_LABEL].isin(train.obs[_LABEL])
    return Split(train, cells[tested.to_numpy()].copy())


@dataclass(frozen=True)
class ImmunePart(AnnotationPart):
    """Cells that are annotated."""

    title: str = "Immune 1"
    data: str = _DATA
    metrics: tuple[str, ...] = (labels.ACCURACY,)

    def split(self, data: PaperData, setting: Setting) -> Split:
        """10,000 training and 1,000 test cells."""
        return immune_split(data, setting)


@dataclass(frozen=True)
class EmbeddingPart:
    """Cells whose types a linear classifier reads off an embedding."""

    title: str = "Immune 1"
    data: str = _DATA
    metrics: tuple[str, ...] = (PROBE,)

    def split(self, data: PaperData, setting: Setting) -> Split:
        """10,000 training and 1,000 test cells."""
        return immune_split(data, setting)

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """A logistic regression on :func:`sc_duality.tl.embed`."""
        embedded = [sd.tl.embed(cells, model, copy=True).obsm["X_cell_sentence"] for cells in split]
        return {PROBE: _probe(embedded, split)}

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """The same on principal components of the training cells."""
        train, test = (log_normalised(cells) for cells in split)
        genes = variable_genes(train, labels.N_VARIABLE)
        dense = [X[:, genes].toarray().astype(np.float32) for X in (train, test)]
        pca = PCA(min(_N_COMPONENTS, *(n - 1 for n in dense[0].shape)), random_state=SEED).fit(dense[0])
        return {"PCA-50": {PROBE: _probe([pca.transform(X) for X in dense], split)}}


def _probe(embedded: list[np.ndarray], split: Split) -> float:
    truth = [*split.train.obs[_LABEL], *split.test.obs[_LABEL]]
    held_out = np.repeat([False, True], [cells.n_obs for cells in split])
    vectors = np.concatenate(embedded)
    read = np.isfinite(vectors).all(axis=1)
    share = read[held_out].mean()  # a cell without a vector is wrong
    found = sd.metrics.linear_probe(vectors[read], np.array(truth)[read], held_out[read])
    return 100 * found.accuracy * float(share)


_IMMUNE = (
    f"{N_TRAIN:,} training and {N_TEST:,} test cells at random with seed {SEED}, or in the same ratio of a smaller "
    f"file; genes in fewer than {MIN_CELLS} of them are left out (section 4.7.1). --max-cells: most test cells.",
)
_OTHER_SETS = (
    "Immune 2 and 3, pancreas and lung, and the comparison out of distribution (Immune 3 to Immune 2): their data are "
    "not in sd.datasets",
    "the 10 % of the cells that C2S-Scale did not see: which ones they are is not stated, so its published weights may "
    "have seen test cells of ours",
)
TABLES = (
    PaperTable(
        "c2s-annotation",
        "annotation of Immune 1 (section 4.7.1, figure 2A)",
        (ImmunePart(),),
        (*_IMMUNE, *labels.HOW[2:]),
        _OTHER_SETS,
    ),
    PaperTable(
        "c2s-embedding",
        "types read off embeddings of Immune 1 (section 4.7.3, figure 2A)",
        (EmbeddingPart(),),
        (
            *_IMMUNE,
            "Embedding: mean of the last hidden states. Probe: logistic regression, C = 1, standardised dimensions, on "
            "the training cells; the paper does not state its regularisation.",
            f"PCA-50 (ours): of ln(1 + counts per 10,000) of the {labels.N_VARIABLE} genes that vary most.",
        ),
        _OTHER_SETS,
    ),
    PaperTable("c2s-sciplex3", "responses to nine unseen drugs (section 4.7.9, figure 6E)", (PART,), HOW, NOT_REPEATED),
)
