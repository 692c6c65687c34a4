"""CellDuality, table 3: sensitivity of cells to a drug, three data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks import _paper_labels as labels
from benchmarks._paper_data import PaperData
from benchmarks._paper_table import PaperTable, Scores, Setting, Split
from sc_duality.models import LanguageModel

_LABEL = "response"
_HOLIDAY = "drug holiday"


@dataclass(frozen=True)
class SensitivityPart:
    """A data set with sensitive and resistant cells.

    Parameters
    ----------
    title, data
        Its name in the paper, and in ``sd.datasets``.
    complete
        Whether all cells are tested, as the paper says of its data set out of distribution.
    mouse
        Whether symbols are those of mouse genes, which are written in capitals.
    """

    title: str
    data: str
    complete: bool = False
    mouse: bool = False
    metrics: tuple[str, ...] = labels.METRICS

    def split(self, data: PaperData, setting: Setting) -> Split:
        """Cells that pass the filters, split at random; with ``complete``, all of them are tested."""
        adata = data.read(self.data)
        if "cluster" in adata.obs:  # the third class of GSE117872
            holiday = adata.obs["cluster"].astype(str).str.contains("holiday", case=False)
            adata.obs[_LABEL] = adata.obs[_LABEL].astype(object).mask(holiday, _HOLIDAY)
        adata.uns = {}
        cells = labels.filtered(labels.in_capitals(adata) if self.mouse else adata, _LABEL)
        split = labels.random_split(cells, None if self.complete else setting.max_cells)
        if not self.complete:
            return split
        rows = np.random.default_rng(labels.SPLIT_SEED).permutation(cells.n_obs)[: setting.max_cells]
        return Split(split.train, cells[rows].copy())

    def model_scores(self, split: Split, model: LanguageModel, setting: Setting) -> Scores:
        """Labels of the test cells by :func:`sc_duality.tl.sensitivity`."""
        test = ad.AnnData(split.test.X, split.test.obs[[_LABEL]].copy(), split.test.var[[]].copy())
        sd.tl.sensitivity(
            test,
            str(split.test.obs["drug"].iloc[0]),
            model,
            labels=sorted({*split.train.obs[_LABEL], *test.obs[_LABEL]}),
            method=setting.method or "score",
            sampling=setting.sampling(),
            rng=setting.seed,
        )
        return labels.label_scores(test.obs[_LABEL].tolist(), labels.predicted_labels(test, "sensitivity"))

    def baseline_scores(self, split: Split, setting: Setting) -> Mapping[str, Scores]:
        """A regression on the training cells; its test cells may not be those of ``complete``."""
        seen = split.test.obs_names.isin(split.train.obs_names)
        return labels.regression_scores(Split(split.train, split.test[~seen].copy()), _LABEL)


LUNG = SensitivityPart("GSE149383 (Human Lung)", "aissa2021")
TABLE = PaperTable(
    "cellduality-3",
    "sensitivity to a drug, three data sets",
    (
        LUNG,
        SensitivityPart("GSE117872 (Human Oral)", "sharma2018"),
        SensitivityPart("GSE110894 (Mouse Bone)", "bell2019", complete=True, mouse=True),
    ),
    (
        *labels.HOW,
        "GSE110894 is tested with all its cells, as the paper says; the regression there with those that it was not "
        "fitted to. --max-cells: most test cells of a data set.",
        f"GSE117872 has three labels, as in InstructCell: sensitive, resistant, and '{_HOLIDAY}'.",
    ),
    (
        *labels.NOT_REPEATED,
        "the number of classes of GSE117872, which the paper does not state",
        "the other samples of GSE149383: the reader has PC9 on days 0 and 3, the two classes of InstructCell",
        "orthologs of mouse genes: symbols are written in capitals, as no table of orthologs is read here",
    ),
)
