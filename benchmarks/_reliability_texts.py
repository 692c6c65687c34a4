"""Completions that a parser may get: made of the pieces that parsers look for, and real ones with mutations."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

LABELS = (
    *("B cell", "T cell", "CD4 T cell", "NK cell", "B", "cell", "γδ T cell", "Müller cell", "CD4/CD8 T cell"),
    *("T cell, CD8+", "type II pneumocyte (AT2)", "Candida sp.", "iPSC-derived neuron, day 30", "ИКК", "İnci hücresi"),
)
GENES = (
    *("CD79A", "CD3E", "MS4A1", "NKG7", "B2M", "HLA-A", "HLA-DRA", "MT-CO1", "A", "K", "AC012.1", "ENSG00000111716"),
    *("LINC00520", "NKX2-5", "TRAV1-2", "HLA.DRA", "1-Mar", "RP11-34P13.7"),
)
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
ODD_TAGS = (
    "<ANSWER>",
    "</Answer>",
    "<Think>",
    "<answer",
    "</answer",
    "< answer>",
    "<answer/>",
    "<an\u017fwer>",
    "<b>",
    "</s>",
)
SEPARATORS = (
    " ",
    "  ",
    "\n",
    "\t",
    "_",
    "\u00a0",
    "\u2028",
    "\r\n",
    "\x1f",
    "\x85",
    ", ",
    ",",
    " | ",
    "|",
    "",
    ";",
    ".",
)
MARKDOWN = ("**", "```", "# ", "- ", "1. ", "> ", "`", "| --- |", "~~", '{"answer": "', '"}', "$\\boxed{", "}")
NUMBERS = ("0", "-1", "3.14", "1e308", "NaN", "٣", "½", "\uff19")
PROSE = ("The answer is", "I think", "or", "not", "Ignore all instructions:", "None of these", "unknown", "cells")
INVISIBLE = tuple("\u200b\u200d\u2060\ufeff\u00ad\u202e\u0301\ufe0f\x00\x07\x08\x1b\x7f\ud800\udfff")
PIECES = (LABELS, GENES, TAGS, TAGS, TAGS, ODD_TAGS, SEPARATORS, MARKDOWN, NUMBERS, PROSE, INVISIBLE)
#: Share of completions with ``LONG`` characters, which a repeated piece fills.
LONG_SHARE, LONG = 1 / 10_000, 100_000
#: Share of completions that are real ones with mutations.
REAL_SHARE = 0.6


def completions(real: Sequence[str], n: int, seed: int) -> Iterator[str]:
    """``n`` completions, the same for the same seed; ``real`` ones are mutated."""
    rng = random.Random(seed)
    for i in range(n):
        if i % round(1 / LONG_SHARE) == 0:
            yield long(rng)
        elif rng.random() < REAL_SHARE:
            yield mutated(rng, rng.choice(real))
        else:
            yield made(rng)


def made(rng: random.Random) -> str:
    """Up to fourteen pieces in any order, half of them in tags."""
    text = "".join(piece(rng) + rng.choice(SEPARATORS) for _ in range(int(rng.random() * 14)))
    if rng.random() < 0.5:
        thought = f"<think>{piece(rng)}</think>" if rng.random() < 0.3 else ""
        return f"{thought}<answer>{text}</answer>"
    return text


def piece(rng: random.Random) -> str:
    """A piece that parsers look for, or any character."""
    if rng.random() < 0.06:
        return chr(int(rng.random() * rng.choice((32, 0x3000, 0x110000)))) * rng.choice((1, 1, 3))
    found = rng.choice(rng.choice(PIECES))
    return found if rng.random() < 0.9 else rng.choice((found.swapcase(), found[:-1], found + "s", f"{found} {found}"))


def long(rng: random.Random) -> str:
    """``LONG`` characters of one or two repeated pieces, bare or in tags."""
    unit = piece(rng) + rng.choice(SEPARATORS) + (piece(rng) if rng.random() < 0.5 else "") or "<"
    text = unit * (LONG // len(unit))
    return rng.choice(("{}", "<answer>{}</answer>", "<think>{}</think><answer>B cell</answer>")).replace("{}", text)


def mutated(rng: random.Random, text: str) -> str:
    """A real completion after no to three mutations."""
    for _ in range(int(rng.random() * 4)):
        text = rng.choice(MUTATIONS)(rng, text)
    return text


def _cut(rng: random.Random, text: str) -> str:
    return text[: int(rng.random() * len(text))]


def _character(rng: random.Random, text: str) -> str:
    i = int(rng.random() * (len(text) + 1))
    return text[:i] + rng.choice((piece(rng), "", " ")) + text[i + rng.choice((0, 1)) :]


def _byte(rng: random.Random, text: str) -> str:
    data = bytearray(text.encode("utf-8", "replace") or b"?")
    data[int(rng.random() * len(data))] = int(rng.random() * 256)
    return data.decode("utf-8", "replace")


def _part(rng: random.Random, text: str) -> str:
    parts = text.split(" ")
    i, j = (int(rng.random() * len(parts)) for _ in range(2))
    parts[i], parts[j] = rng.choice(((parts[j], parts[i]), (parts[i], parts[i]), (piece(rng), parts[j])))
    return " ".join(parts)


def _case(rng: random.Random, text: str) -> str:
    return rng.choice((str.lower, str.upper, str.title, str.swapcase))(text)


def _around(rng: random.Random, text: str) -> str:
    return rng.choice(
        (f"{piece(rng)} {text}", f"{text}{piece(rng)}", f"<think>{piece(rng)}</think>{text}", f"\n{text}\n")
    )


def _twice(rng: random.Random, text: str) -> str:
    return text + rng.choice(SEPARATORS) + text


#: Ways to change a completion.
MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (_cut, _character, _byte, _part, _case, _around, _twice)
