"""What two runs of a notebook gave, compared: texts, numbers, tables and pictures.

Processors round differently, so numbers have a tolerance. Where a result depends on sampling or training, one rounding
changes the sample: cells with the tag ``sampled`` are compared with a wide tolerance, and the texts in them by their
shape only. A notebook whose metadata say ``sampled`` has such cells only.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib import image
from numpy.typing import NDArray

#: Tag of cells, and key of a notebook's metadata, where values depend on sampling or training.
SAMPLED = "sampled"
#: Relative and absolute tolerance of a number, without and with the tag.
TOLERANCE = {False: (0.05, 0.02), True: (0.6, 0.2)}
#: Relative tolerance of the size of a picture: fonts differ.
SIZE = 0.1
#: Highest difference of two pictures, relative to the ink of the stored one: 0 for the same, 1 for an empty one.
INK = {False: 0.4, True: 0.9}

_NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|\.\d)")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def differences(stored: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], *, sampled: bool) -> list[str]:
    """What differs in the outputs of a cell; empty if they agree."""
    before, after = list(_contents(stored)), list(_contents(new))
    kinds = [kind for kind, _ in before], [kind for kind, _ in after]
    if kinds[0] != kinds[1]:
        return [f"outputs {kinds[0]} are now {kinds[1]}"]
    compare = {"picture": _picture_differences, "table": _table_differences, "text": _text_differences}
    pairs = zip(kinds[0], before, after, strict=True)
    return [message for kind, (_, old), (_, now) in pairs for message in compare[kind](old, now, sampled)]


def _contents(outputs: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Kind and content of every output; what is printed counts as one text, and stderr not at all."""
    printed = "".join(_joined(one["text"]) for one in outputs if one.get("name") == "stdout")
    if printed:
        yield "text", printed
    for data in (one["data"] for one in outputs if "data" in one):
        if "image/png" in data:
            yield "picture", _joined(data["image/png"])
        elif "text/html" in data:
            yield "table", _joined(data["text/html"])
        else:
            yield "text", _joined(data["text/plain"])


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _text_differences(stored: str, new: str, sampled: bool) -> list[str]:
    texts = [_ADDRESS.sub("", text) for text in (stored, new)]
    rest, now = ([part for part in _NUMBER.sub(" # ", text).split() if set(part) - set("-│┆…")] for text in texts)
    if rest != now and not sampled:
        changed = next((pair for pair in zip(rest, now, strict=False) if pair[0] != pair[1]), ("its length", ""))
        return [f"text {changed[0]!r} is now {changed[1]!r}"]
    numbers, others = (_NUMBER.findall(text) for text in texts)
    if len(numbers) != len(others):
        return [] if sampled else [f"{len(numbers)} numbers are now {len(others)}"]
    pairs = zip(numbers, others, strict=True)
    return [f"{old} is now {value}" for old, value in pairs if not _close(old, value, sampled)]


def _close(stored: str, new: str, sampled: bool) -> bool:
    old, now = (float(one.replace(",", "")) for one in (stored, new))
    relative, absolute = TOLERANCE[sampled]
    return abs(old - now) <= absolute + relative * max(abs(old), abs(now))


def _table_differences(stored: str, new: str, sampled: bool) -> list[str]:
    before, after = _table(stored), _table(new)
    shapes = [len(row) for row in before], [len(row) for row in after]
    if shapes[0] != shapes[1]:
        return [f"a table with cells {shapes[0]} by row has now {shapes[1]}"]
    found = []
    for old, now in ((a, b) for x, y in zip(before, after, strict=True) for a, b in zip(x, y, strict=True)):
        found += _text_differences(old, now, sampled)
    return found


def _table(text: str) -> list[list[str]]:
    """The texts of a table, row by row."""
    rows = re.findall(r"<tr.*?>(.*?)</tr>", text, re.DOTALL)
    each = (re.findall(r"<t[dh]\b.*?>(.*?)</t[dh]>", row, re.DOTALL) for row in rows)
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in each]


def _picture_differences(stored: str, new: str, sampled: bool) -> list[str]:
    before, after = _pixels(stored), _pixels(new)
    sizes = np.array([before.shape, after.shape])
    if (np.abs(sizes[0] - sizes[1]) > SIZE * sizes[0]).any():
        return [f"a picture of {before.shape} pixels has now {after.shape}"]
    old, now = _blocks(before), _blocks(after)
    difference = float(np.abs(old - now).sum() / max(float(old.sum()), 1e-9))
    return [f"a picture differs by {difference:.2f} of its ink"] if difference > INK[sampled] else []


def _pixels(png: str) -> NDArray[np.float64]:
    """Ink of every pixel, 0 for white and 1 for black."""
    rgba = image.imread(io.BytesIO(base64.b64decode(png)), format="png").astype(float)
    opacity = rgba[..., 3:] if rgba.shape[-1] == 4 else 1.0
    return np.asarray(((1 - rgba[..., :3]) * opacity).mean(-1))


def _blocks(ink: NDArray[np.float64], n: int = 24) -> NDArray[np.float64]:
    """Mean ink in a grid of n × n."""
    rows = (np.array_split(part, n, axis=1) for part in np.array_split(ink, n))
    return np.array([[block.mean() for block in row] for row in rows])
