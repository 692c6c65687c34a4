"""The held-out groups on which predicted responses are measured, and the groups that a method may learn from.

- ``kang``: interferon-β in blood. The treated cells of one cell type are held out.
- ``glioblastoma``: panobinostat in slices of five patients. All cells of one patient are held out; its control cells
  are the input.
- ``crispri``: five knockdowns in stem cells. The cells of one knockdown are held out.

A method reads one half of the group's control cells, and the observed change refers to the other half: with the same
control cells on both sides, their noise is in the predicted and in the observed change, and correlates. This matters
most on ``crispri``, where all groups share the control cells. Expression is log1p(counts per 10,000) over the panel.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recipes.embedded import real_cells
from recipes.embedded.perturbed_cells import FOLDS, PERTURBATIONS
from sc_duality.tasks import Perturbation

SETS = ("kang", "glioblastoma", "crispri")
#: Hallmark gene sets of the interferon program.
PROGRAM = ("HALLMARK_INTERFERON_ALPHA_RESPONSE", "HALLMARK_INTERFERON_GAMMA_RESPONSE")


class Group(NamedTuple):
    """Control and treated cells that differ only by the perturbation: raw counts, cells × genes of the panel."""

    name: str
    control: ad.AnnData
    treated: ad.AnnData


class HeldOutGroup(NamedTuple):
    """A group whose treated cells no method may see, and the groups for training."""

    set: str
    #: Cell type, patient or knockdown.
    name: str
    perturbation: Perturbation
    #: Control cells that a method reads.
    control: ad.AnnData
    #: Control cells that the observed change refers to; not for training either.
    reference: ad.AnnData
    treated: ad.AnnData
    training: list[Group]

    @property
    def genes(self) -> list[str]:
        """The panel."""
        return list(self.control.var_names)


def held_out_group(set_name: str, fold: int) -> HeldOutGroup:
    """The held-out group of a set in one fold, 0 to 4."""
    label, patient, target = FOLDS[fold]
    if set_name == "kang":
        return _split(set_name, real_cells.kang_response(), "label", label, real_cells.INTERFERON)
    if set_name == "glioblastoma":
        return _split(set_name, real_cells.glioblastoma(), "donor", patient, real_cells.PANOBINOSTAT)
    return _knockdown(real_cells.crispri(), next(each for each in PERTURBATIONS if each.target == target))


def held_out_groups(set_name: str) -> list[HeldOutGroup]:
    """The five held-out groups of a set."""
    return [held_out_group(set_name, fold) for fold in range(len(FOLDS))]


def log_normalised(cells: ad.AnnData) -> NDArray[np.float64]:
    """log1p(counts per 10,000) of raw counts, dense; a cell without counts stays 0."""
    totals = np.maximum(np.asarray(cells.X.sum(1), dtype=float).ravel(), 1)
    return (sparse.diags(1e4 / totals) @ sparse.csr_matrix(cells.X, dtype=float)).log1p().toarray()


def program_genes(genes: list[str]) -> list[str]:
    """Genes of the interferon program on a panel, in the order of the panel."""
    program: set[str] = set()
    for line in (real_cells.DATA / "hallmark.gmt").read_text(encoding="utf-8").splitlines():
        name, _, *members = line.split("\t")
        if name in PROGRAM:
            program.update(members)
    return [gene for gene in genes if gene in program]


def is_control(cells: ad.AnnData) -> NDArray[np.bool_]:
    """Which cells are untreated."""
    return (cells.obs["perturbation"] == str(real_cells.CONTROL)).to_numpy()


def is_reference(cells: ad.AnnData) -> NDArray[np.bool_]:
    """The half of the control cells of each ``obs["group"]`` that observed changes refer to; always the same."""
    rows = np.random.default_rng(0).permutation(np.flatnonzero(is_control(cells)))
    rows = rows[np.argsort(cells.obs["group"].to_numpy(str)[rows], kind="stable")]
    found = np.zeros(cells.n_obs, dtype=bool)
    found[rows[1::2]] = True
    return found


def _split(set_name: str, cells: ad.AnnData, by: str, name: str, perturbation: Perturbation) -> HeldOutGroup:
    """The group ``name`` of ``obs[by]`` is held out."""
    control, reference, values = is_control(cells), is_reference(cells), cells.obs[by].to_numpy(str)
    parts = {each: values == each for each in sorted(set(values))}
    training = [
        Group(each, cells[of & control].copy(), cells[of & ~control].copy())
        for each, of in parts.items()
        if each != name
    ]
    of = parts[name]
    return HeldOutGroup(
        set_name, name, perturbation,
        cells[of & control & ~reference].copy(), cells[of & reference].copy(), cells[of & ~control].copy(), training,
    )  # fmt: skip


def _knockdown(cells: ad.AnnData, perturbation: Perturbation) -> HeldOutGroup:
    """One knockdown is held out; all knockdowns have the same control cells."""
    reference = is_reference(cells)
    control = cells[is_control(cells) & ~reference].copy()
    names = cells.obs["perturbation"].to_numpy(str)
    treated = {
        str(each.target): cells[names == str(each)].copy() for each in PERTURBATIONS if each.operation == "knockdown"
    }
    target = str(perturbation.target)
    training = [Group(name, control, knockdown) for name, knockdown in treated.items() if name != target]
    return HeldOutGroup("crispri", target, perturbation, control, cells[reference].copy(), treated[target], training)
