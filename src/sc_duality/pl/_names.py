"""Names beside points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

#: Distances at which a name is tried, in points, and directions, to the right first.
DISTANCES = (6, 12, 20, 30, 42, 56, 72)
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)


def name_points(ax: Axes, places: np.ndarray, chosen: Sequence[int], names: Sequence[str], size: float = 8) -> None:
    """Write names beside some points of ``places`` (n, 2), with a line to each.

    Each name stands inside the axes where it covers no other name and the fewest points, as near as it can. One for
    which there is no room is left out.
    """
    ax.figure.canvas.figure.draw_without_rendering()  # from here on the axes have their place
    point = ax.figure.dpi / 72
    dots, inside = ax.transData.transform(places), np.array(ax.bbox.extents)
    taken: list[np.ndarray] = []
    for i, name in zip(chosen, names, strict=True):
        text = ax.annotate(
            name,
            places[i],
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
        )
        box = text.get_window_extent()
        offset = _best_offset(dots[i], np.array([box.width, box.height]) + 2 * point, dots, inside, taken, point)
        if offset is None:
            text.remove()
            continue
        text.set_position(tuple(offset / point))
        taken.append(_box(dots[i] + offset, box.width + 2 * point, box.height + 2 * point))


def _best_offset(
    dot: np.ndarray, size: np.ndarray, dots: np.ndarray, inside: np.ndarray, taken: list[np.ndarray], point: float
) -> np.ndarray | None:
    """Where the middle of a name of this size goes, in pixels from its dot; ``None`` where there is no room."""
    best, fewest = None, np.inf
    for distance in DISTANCES:
        for angle in ANGLES:
            direction = np.array([np.cos(angle), np.sin(angle)])
            offset = direction * (distance * point + size / 2)
            left, bottom, right, top = box = _box(dot + offset, *size)
            if (box[:2] < inside[:2]).any() or (box[2:] > inside[2:]).any():
                continue
            if any(_overlap(box, other) for other in taken):
                continue
            covered = ((dots > (left, bottom)) & (dots < (right, top))).all(axis=1).sum()
            if covered < fewest:
                best, fewest = offset, covered
        if fewest == 0:
            break
    return best


def _box(middle: np.ndarray, width: float, height: float) -> np.ndarray:
    """Left, bottom, right, top."""
    half = np.array([width, height]) / 2
    return np.concatenate([middle - half, middle + half])


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())
