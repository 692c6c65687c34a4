"""Choose a colour for each common cell type: distinct colours, related types near in hue.

    python -m recipes.data.cell_type_colors

The types are those with abbreviations in the shipped table and those of the embedded model. Their order on the colour
circle is that of a hierarchical clustering by shared ancestors in the Cell Ontology.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from sc_duality.cells import ontology_ancestors, ontology_name
from sc_duality.models import resolve

FOLDER = Path(__file__).parents[2] / "src/sc_duality/cells/cell_ontology"
#: Lightness and chroma (OKLCH) that are visible on white, and the largest distance from a type's hue in degrees.
LIGHTNESS, CHROMA, MAX_SHIFT = np.linspace(0.5, 0.82, 9), np.linspace(0.07, 0.22, 6), 30
#: Share of the circle of a leukocyte and of another type of the embedded model, in that of other types.
WEIGHTS, LEUKOCYTE = (16, 4), "CL:0000738"
#: From OKLab to cone responses, and from these to linear sRGB (B. Ottosson, 2020).
TO_LMS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


def colors(terms: Sequence[str], first: Sequence[str]) -> dict[str, str]:
    """A colour for each term; those of ``first`` are the most distinct."""
    weights = [WEIGHTS[LEUKOCYTE not in ontology_ancestors(term)] if term in first else 1 for term in terms]
    hues = _hues(terms, np.array(weights))
    grid = [(lightness, chroma, hue) for lightness, chroma, hue in product(LIGHTNESS, CHROMA, range(0, 360, 5))]
    candidates = np.array([one for one in grid if _in_gamut(_linear_rgb(_lab(*one)))])
    labs = np.array([_lab(*one) for one in candidates])
    chosen: dict[str, int] = {}
    for term in sorted(terms, key=lambda one: (one not in first, one)):
        shift = np.abs((candidates[:, 2] - hues[term] + 180) % 360 - 180)
        taken = labs[list(chosen.values())] if chosen else labs[:1] + 1
        distance = np.linalg.norm(labs[:, None] - taken, axis=2).min(axis=1)
        chosen[term] = int(np.where(shift <= MAX_SHIFT, distance, -1).argmax())
    return {term: _hex(_linear_rgb(labs[i])) for term, i in chosen.items()}


def _hues(terms: Sequence[str], weights: NDArray[np.int64]) -> dict[str, float]:
    sets = [ontology_ancestors(term) for term in terms]
    distance = np.array([[1 - len(one & other) / len(one | other) for other in sets] for one in sets])
    flat = squareform(distance, checks=False)
    order = leaves_list(optimal_leaf_ordering(linkage(flat, "average"), flat))
    positions = np.cumsum(weights[order]) / weights.sum()
    return {terms[i]: 360 * position for i, position in zip(order, positions, strict=True)}


def _lab(lightness: float, chroma: float, hue: float) -> NDArray[np.float64]:
    """OKLab from OKLCH."""
    angle = np.deg2rad(hue)
    return np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])


def _linear_rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB from OKLab."""
    return TO_RGB @ (TO_LMS @ lab) ** 3


def _in_gamut(rgb: NDArray[np.float64]) -> bool:
    return bool(((rgb >= 0) & (rgb <= 1)).all())


def _hex(rgb: NDArray[np.float64]) -> str:
    encoded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * np.maximum(rgb, 0) ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * value):02x}" for value in encoded)


def main() -> None:
    own = sorted(set(resolve("embedded").known("annotation", "ontology", {}).values()))
    common = pd.read_csv(FOLDER / "abbreviations.tsv", sep="\t")["id"]
    terms = sorted({*own, *common})
    found = colors(terms, own)
    rows = pd.DataFrame({"id": terms, "name": map(ontology_name, terms), "color": [found[term] for term in terms]})
    rows.to_csv(FOLDER / "colors.tsv", sep="\t", index=False, lineterminator="\n")
    print(f"{len(rows)} colours: colors.tsv")


if __name__ == "__main__":
    main()
