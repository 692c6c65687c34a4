"""Labels of points that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

#: Distances from the point to try, in points, and directions to try, to the right first.
DISTANCES = (6, 12, 20, 30, 42, 56, 72)
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)


def label_points(ax: Axes, points: np.ndarray, chosen: Sequence[int], names: Sequence[str], size: float = 8) -> None:
    """Label the ``chosen`` ones of ``points`` (n, 2) with their names, with a line from each name to its point.

    A name lies inside the axes, overlaps no other name, covers as few points as possible, and is as near to its point
    as possible. A name that does not fit is left out.
    """
    ax.figure.canvas.figure.draw_without_rendering()  # fixes the position of the axes
    scale = ax.figure.dpi / 72
    pixels, limits = ax.transData.transform(points), np.array(ax.bbox.extents)
    boxes: list[np.ndarray] = []
    for i, name in zip(chosen, names, strict=True):
        text = ax.annotate(
            name,
            points[i],
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
        )
        extent = text.get_window_extent()
        shape = np.array([extent.width, extent.height]) + 2 * scale
        offset = _best_offset(pixels[i], shape, pixels, limits, boxes, scale)
        if offset is None:
            text.remove()
            continue
        text.set_position(tuple(offset / scale))
        boxes.append(_box(pixels[i] + offset, shape))


def _best_offset(
    point: np.ndarray, shape: np.ndarray, pixels: np.ndarray, limits: np.ndarray, boxes: list[np.ndarray], scale: float
) -> np.ndarray | None:
    """Offset in pixels from the point to the centre of its name; ``None`` if the name does not fit."""
    best, fewest = None, np.inf
    for distance in DISTANCES:
        for angle in ANGLES:
            offset = np.array([np.cos(angle), np.sin(angle)]) * (distance * scale + shape / 2)
            box = _box(point + offset, shape)
            outside = (box[:2] < limits[:2]).any() or (box[2:] > limits[2:]).any()
            if outside or any(_overlap(box, other) for other in boxes):
                continue
            covered = ((pixels > box[:2]) & (pixels < box[2:])).all(axis=1).sum()
            if covered < fewest:
                best, fewest = offset, covered
        if fewest == 0:
            break
    return best


def _box(centre: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Left, bottom, right, top."""
    return np.concatenate([centre - shape / 2, centre + shape / 2])


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a[:2] < b[2:]).all() and (b[:2] < a[2:]).all())
