"""The unit of an expression matrix: counts, or logarithms of counts for a total of every cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import sparse

from .._validation import choice
from ._row_blocks import row_blocks

#: Logarithms of counts are far below this, so a matrix with larger values is not log-transformed.
_LARGEST_LOG = 30
#: Fewest cells whose totals can be compared, how far totals differ by rounding, and how far after genes were filtered.
_MIN_CELLS, _EQUAL, _TOLERANCE = 3, 1e-4, 0.02
#: Total of a cell that expression refers to.
TOTAL = 1e4

#: What the caller of :func:`sc_duality.pp.fit_expression` may say.
UnitName = Literal["counts", "log1p"]


class UnknownUnitError(ValueError):
    """The unit of a matrix cannot be recognised from its values."""


class Unit(NamedTuple):
    """How values become counts per 10,000."""

    #: ``"counts"``, normalised or not, or ``"log1p"``.
    scale: str
    #: Base of the logarithm, and the total of the counts of a cell; for logarithms only.
    base: float = math.e
    target_sum: float = TOTAL

    def log10(self, values: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """log10(1 + counts per 10,000) of these values, from cells with these totals."""
        if self.scale == "counts":
            return np.log10(1 + TOTAL * values / totals)
        return np.log10(1 + np.expm1(values * np.log(self.base)) * (TOTAL / self.target_sum))

    def fields(self) -> dict[str, Any]:
        """The unit as it is stored with the fitted line."""
        return {"scale": self.scale} if self.scale == "counts" else dict(self._asdict())


def stored_unit(model: Mapping[str, Any], base: float | None) -> Unit:
    """The unit of the matrix that the line ``model`` was fitted to; ``base`` if it was stored without one."""
    stored = float(model.get("base", math.e if base is None else base))
    return Unit(str(model["scale"]), stored, float(model.get("target_sum", TOTAL)))


def current_unit(X: Any, is_gene: np.ndarray, base: float | None, fitted: Unit) -> Unit:
    """The unit of a matrix to which a line was fitted in the unit ``fitted``.

    The matrix may have been log-transformed, or counts put back, since. Between logarithms and logarithms, ``fitted``
    is kept: its total is right even if genes were filtered since.
    """
    try:
        found = requested_unit(X, is_gene, base, None, None)
    except UnknownUnitError:
        return fitted
    return fitted if found.scale == fitted.scale else found


def requested_unit(X: Any, is_gene: np.ndarray, base: float | None, unit: str | None, target_sum: float | None) -> Unit:
    """The unit that the caller names, completed or, without a name, recognised from the matrix."""
    choice("unit", unit, (None, "counts", "log1p"))
    if target_sum is not None:
        if unit != "log1p":
            raise ValueError(f"target_sum={target_sum!r} is the total of logarithms: pass unit='log1p' with it")
        if not np.isfinite(target_sum) or target_sum <= 0:
            raise ValueError(f"target_sum must be a positive number, got {target_sum!r}")
        return Unit("log1p", math.e if base is None else base, float(target_sum))
    return Unit("counts") if unit == "counts" else _recognised(_first_rows(X), is_gene, base, unit)


def _recognised(rows: sparse.csr_matrix | None, is_gene: np.ndarray, base: float | None, unit: str | None) -> Unit:
    """The unit by the values and by the totals of the cells, which are equal in normalised counts."""
    if unit is None and (rows is None or _surely_counts(rows.data)):
        return Unit("counts")
    if rows is None or rows.shape[0] < _MIN_CELLS:
        raise UnknownUnitError(_unknown_unit("there are too few cells with expression to tell", unit))
    bases = dict.fromkeys((math.e if base is None else base, math.e, 2.0, 10.0))
    candidates = [Unit("counts")] * (unit is None) + [Unit("log1p", each) for each in bases]
    totals = [_totals(rows, is_gene, candidate) for candidate in candidates]
    spreads = [np.subtract(*np.quantile(each, [0.9, 0.1])) / np.median(each) for each in totals]
    best = int(np.argmin(spreads))
    if not spreads[best] < _TOLERANCE:
        raise UnknownUnitError(_unknown_unit("the cells have different totals", unit))
    found = candidates[best]
    return found if found.scale == "counts" else found._replace(target_sum=_target_sum(totals[best]))


def _first_rows(X: Any) -> sparse.csr_matrix | None:
    """The rows of the first block with expression that are not all 0; None if there is no expression."""
    for _, rows in row_blocks(X):
        if rows.data.any():
            return rows[np.asarray(abs(rows).sum(1)).ravel() > 0]
    return None


def _surely_counts(values: np.ndarray) -> bool:
    return np.array_equal(values, np.floor(values)) or bool(values.max() > _LARGEST_LOG)


def _totals(rows: sparse.csr_matrix, is_gene: np.ndarray, unit: Unit) -> np.ndarray:
    """The total of the counts of every cell, or of the counts behind the logarithms."""
    values = rows.astype(float)
    if unit.scale == "log1p":
        values.data = np.expm1(values.data * np.log(unit.base))
    totals: np.ndarray = values @ is_gene.astype(float)
    return totals[totals > 0]


def _target_sum(totals: np.ndarray) -> float:
    """The total of all cells; if it is not quite equal, as genes were filtered since, the power of ten next to it."""
    total = float(np.median(totals))
    power = float(10 ** np.round(np.log10(total)))
    tolerance = _EQUAL if np.ptp(totals) < _EQUAL * total else _TOLERANCE
    return power if abs(total / power - 1) < tolerance else total


def _unknown_unit(reason: str, unit: str | None) -> str:
    if unit == "log1p":
        return (
            f"the total behind the logarithms is unknown, as {reason}: call sd.pp.fit_expression(adata, unit='log1p', "
            "target_sum=...) with the total of the normalisation, such as 1e4"
        )
    return (
        f"values with decimals of at most {_LARGEST_LOG} may be counts (corrected or estimated) or logarithms of part "
        f"of the genes, and {reason}: call sd.pp.fit_expression(adata, unit='counts'), or sd.pp.fit_expression(adata, "
        "unit='log1p', target_sum=1e4) with the total of the normalisation (the base of the logarithm is "
        "uns['log1p']['base'], by default e)"
    )
