"""How fast written cells are read, rebuilt and compared, beside cell2sentence: ``python -m benchmarks.parsing``.

Made sentences as a model might write them: 200 genes of 20,000, of which each is with 1 % the first one again and with
1 % a name that no gene has. All on one core and compiled before; medians over rounds in which each takes its turn.

- ``sentences_per_s``: text to a row of ranks: ``tasks.read_answer`` and ``tasks.read_indices`` on each text, then
  ``tasks.encode`` on all.
- ``names_per_s``: text to names of genes: ``tasks.read_answer`` and ``tasks.read_genes`` with a set; nothing is kept.
- ``tagged_per_s``: as ``sentences_per_s``, with 100 words of reasoning before the answer and tags around both.
- ``expression_cells_per_s``: ranks to a CSR matrix of expression, by the kernel of ``pp.reconstruct_expression``.
- ``rwjs_pairs_per_s``: ``rewards.rank_weighted_jaccard_batch`` on ranks.
- ``one_by_one_pairs_per_s``: ``rewards.rank_weighted_jaccard`` on names.
- ``peer_sentences_per_s``: ``post_process_generated_cell_sentences`` of cell2sentence with the list of all genes that
  it asks for; on fewer sentences, as it is slow.
- ``peer_set_sentences_per_s``: the same with a set, which it takes too.
- ``peer_expression_cells_per_s``: its ``reconstruct_expression_from_cell_sentence``, which gives dense vectors.
- ``bound_…``: what cannot be beaten: cutting the text into words and looking each up once, for reading in Python; the
  bandwidth of memory as one core reads it, over the bytes that have to be read (and written), for the other two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from sc_duality.cells import rebuild_expression
from sc_duality.rewards import rank_weighted_jaccard, rank_weighted_jaccard_batch
from sc_duality.tasks import encode, read_answer, read_genes, read_indices

from ._report import report
from .sentences import peer, seconds

N_GENES, LENGTH, SEED = 20_000, 200, 0
LINE = {"slope": -0.7, "intercept": 2.5}
VOCABULARY = [f"GENE{i}" for i in range(N_GENES)]
PLACE = {gene: i for i, gene in enumerate(VOCABULARY)}
KNOWN = frozenset(VOCABULARY)
#: The share of the sentences that the peer and what is done one by one get.
FEWER = 100


def made_sentences(n: int) -> list[str]:
    """Sentences with genes that are doubled or unknown here and there."""
    rng = np.random.default_rng(SEED)
    names = np.array(VOCABULARY, dtype=object)
    texts = []
    for _ in range(n):
        words = names[rng.choice(N_GENES, LENGTH, replace=False)]
        odd = rng.random(LENGTH)
        words[odd < 0.01] = words[0]
        words[odd > 0.99] = "NOGENE"
        texts.append(" ".join(words))
    return texts


def read(texts: list[str], *, tagged: bool = False) -> np.ndarray:
    """Texts to ranks."""
    answers = [read_indices(read_answer(text, tagged=tagged).value, PLACE) for text in texts]
    return encode([answer.value for answer in answers], width=LENGTH)


def read_names(texts: list[str]) -> None:
    for text in texts:
        read_genes(read_answer(text, tagged=False).value, KNOWN)


def per_s(work: dict[str, tuple[int, Callable[[], Any]]], rounds: int) -> dict[str, float]:
    """How much of each work is done in a second, measured in turns, so that all see the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, (_, function) in work.items():
            taken[name] += seconds(function, 1)
    return {name: work[name][0] / float(np.median(times)) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 sentences and fewer rounds")
    n, rounds = (5_000, 3) if parser.parse_args().quick else (20_000, 7)

    texts = made_sentences(n)
    thought = "<think>" + "the genes follow from the type " * 17 + "</think>\n"
    tagged = [f"{thought}<answer>{text}</answer>" for text in texts]
    few = texts[: n // FEWER]
    names = [read_genes(text, KNOWN).value for text in few]
    ranks = read(texts)
    other = np.roll(ranks, 1, axis=0)
    other[:, ::2] = ranks[:, ::2]
    expression = rebuild_expression(ranks, np.arange(N_GENES), N_GENES, **LINE)
    rank_weighted_jaccard_batch(ranks, other)
    utils = peer()

    work: dict[str, tuple[int, Callable[[], Any]]] = {
        "sentences_per_s": (n, lambda: read(texts)),
        "names_per_s": (n, lambda: read_names(texts)),
        "tagged_per_s": (n, lambda: read(tagged, tagged=True)),
        "expression_cells_per_s": (n, lambda: rebuild_expression(ranks, np.arange(N_GENES), N_GENES, **LINE)),
        "rwjs_pairs_per_s": (n, lambda: rank_weighted_jaccard_batch(ranks, other)),
        "one_by_one_pairs_per_s": (len(few), lambda: [rank_weighted_jaccard(cell, names[0]) for cell in names]),
        "bound_sentences_per_s": (n, lambda: [list(map(PLACE.get, text.split())) for text in texts]),
        "read_bytes_per_s": (expression.data.nbytes, expression.data.view(np.int32).max),
    }
    if utils is not None:
        process, reconstruct = (
            utils.post_process_generated_cell_sentences,
            utils.reconstruct_expression_from_cell_sentence,
        )
        work |= {
            "peer_sentences_per_s": (len(few), lambda: [process(text, VOCABULARY) for text in few]),
            "peer_set_sentences_per_s": (len(few), lambda: [process(text, KNOWN) for text in few]),
            "peer_expression_cells_per_s": (
                len(few),
                lambda: [reconstruct(text, " ", VOCABULARY, **LINE) for text in few],
            ),
        }
    peers = ("peer_sentences_per_s", "peer_set_sentences_per_s", "peer_expression_cells_per_s")
    found: dict[str, float | None] = {**dict.fromkeys(peers), **per_s(work, rounds)}
    bandwidth = found.pop("read_bytes_per_s")
    moved = ranks.nbytes + expression.data.nbytes + expression.indices.nbytes + expression.indptr.nbytes
    found["bound_expression_cells_per_s"] = bandwidth / (moved / n)
    found["bound_rwjs_pairs_per_s"] = bandwidth / (2 * ranks.nbytes / n)
    report(
        {name: None if value is None else round(value) for name, value in found.items()},
        n=n,
        seed=SEED,
        packages=("cell2sentence", "numba", "numpy", "scipy"),
    )


if __name__ == "__main__":
    main()
