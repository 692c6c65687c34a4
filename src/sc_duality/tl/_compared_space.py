"""What :func:`sc_duality.tl.evaluate` compares of cells: their sentences, or their expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from anndata import AnnData
from scipy import sparse

from ..cells import adata_keys, project_cells, project_expression, to_shared_expression, to_shared_genes
from ._cell_scores import Embedded

#: Components of the default embedding.
N_COMPONENTS = 50


class Populations(NamedTuple):
    """Real, generated and control cells over the same genes, each CSR (n_obs, genes)."""

    real: sparse.csr_matrix
    generated: sparse.csr_matrix
    control: sparse.csr_matrix
    #: The control cell of every generated cell, where it is known.
    own_control: sparse.csr_matrix | None
    genes: np.ndarray
    name: str


class ComparedSpace(Protocol):
    """Sentences or expression."""

    def project(
        self, real: AnnData, generated: AnnData, fit: AnnData | None, compared: np.ndarray, seed: int
    ) -> Embedded:
        """Principal components of the cells of ``fit``, or of the real cells that are not ``compared``."""

    def populations(self, real: AnnData, generated: AnnData, control: AnnData) -> Populations:
        """All cells over their shared genes."""


class SentenceSpace(NamedTuple):
    """Rank weights of the first genes of the sentences."""

    sentence_key: str
    n_genes: int | None

    def project(
        self, real: AnnData, generated: AnnData, fit: AnnData | None, compared: np.ndarray, seed: int
    ) -> Embedded:
        """See :class:`ComparedSpace`."""
        found = project_cells(
            real, generated, fit, compared,
            sentence_key=self.sentence_key, n_genes=self.n_genes, n_components=N_COMPONENTS, seed=seed,
        )  # fmt: skip
        return _embedded(found.real, found.generated, str(found.shared))

    def populations(self, real: AnnData, generated: AnnData, control: AnnData) -> Populations:
        """See :class:`ComparedSpace`."""
        shared = to_shared_genes([real, generated, control], self.sentence_key, self.n_genes)
        before, after, controls = shared.rank_weights
        return Populations(before, after, controls, None, shared.genes, str(shared))


class ExpressionSpace(NamedTuple):
    """log(1 + counts per 10,000)."""

    sentence_key: str

    def project(
        self, real: AnnData, generated: AnnData, fit: AnnData | None, compared: np.ndarray, seed: int
    ) -> Embedded:
        """See :class:`ComparedSpace`."""
        found = project_expression(
            real, generated, fit, compared, sentence_key=self.sentence_key, n_components=N_COMPONENTS, seed=seed
        )
        return _embedded(found.real, found.generated, str(found.shared))

    def populations(self, real: AnnData, generated: AnnData, control: AnnData) -> Populations:
        """See :class:`ComparedSpace`; predicted cells bring their control cells in ``layers["control"]``."""
        layer = adata_keys.CONTROL_LAYER
        layers: Mapping[str, tuple[str, str]] = {"own": ("generated", layer)} if layer in generated.layers else {}
        objects = {"real": real, "generated": generated, "control": control}
        shared = to_shared_expression(objects, self.sentence_key, layers)
        values = shared.values
        before, after, controls = (values[name] for name in objects)
        return Populations(before, after, controls, values.get("own"), shared.genes, str(shared))


def _embedded(real: np.ndarray, generated: np.ndarray, shared: str) -> Embedded:
    return Embedded(real, generated, f"{real.shape[1]} principal components, {shared}")
