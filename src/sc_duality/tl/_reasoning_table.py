"""What a model reasoned about each cell or group, and whether the genes that it cites were shown to it."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ..cells import genes_by_written_name, to_known_names
from ..tasks import UnitReasoning, read_reasoning
from ._storable_texts import storable_texts

_ANSWER = re.compile(r"<answer>.*?(?:</answer>|\Z)", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"</?think>", re.IGNORECASE)
#: A text without tags is reasoning from this length on, in characters, if no answer was read from it.
_MIN_LENGTH = 40
#: Characters of a token of English text, for models without a tokenizer on this machine.
_CHARACTERS_PER_TOKEN = 4
_TEXTS = ("unit", "batch", "label", "text", "cited", "shown", "invented", "absent", "conclusion")


class Shown(NamedTuple):
    """What a prompt showed."""

    #: Genes of each cell or group by its name, in the order of the prompt.
    genes: Mapping[str, Sequence[str]]
    #: The labels to choose from as the prompt writes them, each with its name in ``obs``.
    labels: Mapping[str, str]


class Reasoned(NamedTuple):
    """A completion with its prompt."""

    batch: str
    sample: int
    #: The answer as it is written into ``obs``; of several cells, separated by " | ".
    answer: str
    completion: str
    reasoning: str
    shown: Shown


def reasoning_of(completion: str, *, is_read: bool) -> str:
    """The text of a completion without its answer; empty if it is an answer only.

    Parameters
    ----------
    completion
        What the model wrote.
    is_read
        Whether an answer was read from it.
    """
    rest, n_answers = _ANSWER.subn("\n", completion)
    rest, n_tags = _TAGS.subn("\n", rest)
    if n_answers + n_tags or (not is_read and len(rest) >= _MIN_LENGTH):
        return rest.strip()
    return ""


def reasoning_table(
    rows: Sequence[Reasoned], genes: Iterable[str], n_tokens: Callable[[Sequence[str]], Sequence[int]] | None
) -> pd.DataFrame:
    """The table in ``uns[key]["reasoning"]``: one row a cell or group and sample, as :func:`sc_duality.get.reasoning`.

    Parameters
    ----------
    rows
        The completions.
    genes
        Genes of the data, in the spelling of the cell sentences.
    n_tokens
        Counts the tokens of texts; without it, there is one token for four characters.
    """
    names = GeneNames(genes)
    texts = [row.completion for row in rows]
    counts = count_tokens(texts, n_tokens)
    table = pd.DataFrame([line for row, n in zip(rows, counts, strict=True) for line in _lines(row, names, int(n))])
    table.index = pd.Index([str(i) for i in range(len(table))])
    for name in _TEXTS:
        table[name] = storable_texts(table[name])
    return table.astype({"sample": "int64", "order": "int64", "completion_tokens": "int64", "revised": bool})


def count_tokens(texts: Sequence[str], n_tokens: Callable[[Sequence[str]], Sequence[int]] | None) -> list[int]:
    """Tokens of each text; without a tokenizer, one for four characters."""
    return [-(-len(text) // _CHARACTERS_PER_TOKEN) for text in texts] if n_tokens is None else list(n_tokens(texts))


class GeneNames:
    """The genes of the data by the names that they have in texts and prompts."""

    def __init__(self, genes: Iterable[str]) -> None:
        self._genes = dict.fromkeys(genes)
        self.written = genes_by_written_name(self._genes)

    def with_shown(self, shown: Iterable[str]) -> Mapping[str, str]:
        """With the names in a prompt, which may be those of a model."""
        others = [name for name in dict.fromkeys(shown) if name not in self.written]
        known = to_known_names(others, self._genes)
        return ChainMap({name: gene or name for name, gene in zip(others, known, strict=True)}, self.written)


def _lines(row: Reasoned, names: GeneNames, n_tokens: int) -> Iterable[dict[str, Any]]:
    """One line a cell or group."""
    units = list(row.shown.genes)
    genes = names.with_shown(gene for shown in row.shown.genes.values() for gene in shown)
    numbers = [str(i) for i in range(1, len(units) + 1)]
    found = read_reasoning(row.reasoning, numbers, genes, list(row.shown.labels))
    answers = row.answer.split("|") if len(units) > 1 else [row.answer]
    labels = [answer.strip() for answer in answers] if len(answers) == len(units) else [""] * len(units)
    for unit, number, label in zip(units, numbers, labels, strict=True):
        shown = {genes[gene] for gene in row.shown.genes[unit]}
        text = _summary(found[number], shown, row.shown.labels)
        yield {
            "unit": unit,
            "batch": row.batch,
            "sample": row.sample,
            "label": label,
            **text,
            "completion_tokens": n_tokens,
        }


def _summary(found: UnitReasoning, shown: set[str], labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "text": found.text,
        "cited": " ".join(found.cited),
        "shown": " ".join(gene for gene in found.cited if gene in shown),
        "invented": " ".join(gene for gene in found.cited if gene not in shown),
        "absent": " ".join(found.absent),
        "order": found.order,
        "revised": len(set(found.assigned)) > 1,
        "conclusion": labels[found.assigned[-1]] if found.assigned else "",
    }
