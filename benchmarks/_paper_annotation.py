"""CellDuality, table 2: cell type annotation on five data sets, and C2S-Scale's annotation and embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anndata as ad

import sc_duality as sd
from benchmarks import _paper_labels as labels
from benchmarks._paper_data import PaperData
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel

_LABEL = "cell_type"
#: The cells of Xin et al. in the collection of scIB.
_XIN = "smarter"


@dataclass(frozen=True)
class AnnotationPart:
    """A data set with cell types.

    Parameters
    ----------
    title, data
        Its name in the paper, and in ``sd.datasets``.
    study
        Value of ``obs["tech"]`` whose cells are taken; all by default.
    mouse
        Whether symbols are those of mouse genes, which are written in capitals.
    """

    title: str
    data: str
    study: str | None = None
    mouse: bool = False
    metrics: tuple[str, ...] = labels.METRICS

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Cells that pass the filters, split at random."""
        adata = data.read(self.data)
        if self.study is not None:
            adata = adata[adata.obs["tech"] == self.study].copy()
        adata = ad.AnnData(adata.X, adata.obs[[_LABEL]].copy(), adata.var[[]].copy())
        cells = labels.filtered(labels.in_capitals(adata) if self.mouse else adata, _LABEL)
        return labels.random_split(cells, setting.max_cells)

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """Types of the test cells by :func:`sc_duality.tl.annotate`, among all types of the data set."""
        test, method = split.test.copy(), setting.method or "score"
        sd.tl.annotate(
            test,
            model,
            labels=sorted({*split.train.obs[_LABEL], *test.obs[_LABEL]}),
            method=method,
            unknown=0.0 if method == "score" else None,
            sampling=setting.sampling(),
            rng=setting.seed,
        )
        return labels.label_scores(test.obs[_LABEL].tolist(), labels.predicted_labels(test, "annotation"))

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """A regression that was fitted to the training cells."""
        return labels.regression_scores(split, _LABEL)


LIVER = AnnotationPart("He-2020-Liver", "he2020_liver")
TABLE = PaperTable(
    "cellduality-2",
    "annotation of cell types, five data sets",
    (
        LIVER,
        AnnotationPart("Segerstolpe-2016", "segerstolpe2016"),
        AnnotationPart("Xin-2016", "pancreas_scib", study=_XIN),
        AnnotationPart("Ma-2020", "ma2020", mouse=True),
        AnnotationPart("Bastidas-Ponce-2019", "bastidas_ponce2019", mouse=True),
    ),
    (
        *labels.HOW,
        "Labels to choose from: all types of the data set that pass the filters. --max-cells: most test cells of a "
        "data set.",
        "Ma-2020 and Bastidas-Ponce-2019, out of distribution in the paper, are measured on their test cells as well.",
    ),
    (
        *labels.NOT_REPEATED,
        "Xin-2016: InstructCell assigned its labels by hand to an unseeded clustering of GSE114297, which cannot be "
        "repeated; here the cells of Xin et al. (2016) in the scIB collection with their labels",
        "Bastidas-Ponce-2019: the paper has 12 types of GSE132188 (all stages); the reader has day 15.5 with 8 types",
        "orthologs of mouse genes: symbols are written in capitals, as no table of orthologs is read here",
    ),
)
