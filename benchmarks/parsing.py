"""Parsing, reconstruction and comparison of generated sentences: ``python -m benchmarks.parsing [--quick]``.

Made sentences of 200 of 20,000 genes; 1 % of the genes are duplicates and 1 % are out of vocabulary. One core, compiled
before; medians over rounds in which each work has one turn. cell2sentence runs on fewer sentences in the same process.

- ``sentences_per_s``: text to ranks, as ``tl.generate`` reads a completion and writes ``obsm``.
- ``tagged_per_s``: the same with 100 words of reasoning and tags.
- ``names_per_s``: text to gene names (the ``parse`` of a question).
- ``expression_cells_per_s``: ranks to a CSR matrix of expression, the kernel of ``pp.reconstruct_expression``.
- ``rwjs_pairs_per_s``, ``rwjs_single_pairs_per_s``: rank-weighted Jaccard similarity of ranks, and of one pair of
  names.
- ``peer_sentences_per_s``, ``peer_set_sentences_per_s``: ``post_process_generated_cell_sentences`` of cell2sentence
  with a list of genes as documented, and with a set.
- ``peer_expression_cells_per_s``: its ``reconstruct_expression_from_cell_sentence``, which returns dense vectors.
- ``bound_…``: upper bounds: for parsing, splitting and one look-up for each gene; else the memory bandwidth of one
  core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._cell2sentence import cell2sentence
from benchmarks._library import rebuild_expression
from benchmarks._results import parser, report
from benchmarks._timing import per_second
from sc_duality.metrics import rank_weighted_jaccard, rank_weighted_jaccard_batch
from sc_duality.tasks import Failure, Generation, GenerationExample, Question
from sc_duality.tl._generated_cells import encode

N_GENES, LENGTH, SEED = 20_000, 200, 0
LINE = {"slope": -0.7, "intercept": 2.5}
GENES = [f"GENE{i}" for i in range(N_GENES)]
INDEX = {gene: i for i, gene in enumerate(GENES)}
GENE_SET = frozenset(GENES)
EXAMPLE = GenerationExample(cell_type="B cell", options=("B cell", "T cell"), n_genes=LENGTH)
PLAIN, TAGGED = (Generation(prompt_format=name, vocabulary=GENE_SET).question(EXAMPLE) for name in ("compact", "plain"))
#: Work by single sentence has one sentence of so many.
FEWER = 100
PEERS = ("peer_sentences_per_s", "peer_set_sentences_per_s", "peer_expression_cells_per_s")
Work = dict[str, tuple[int, Callable[[], Any]]]


def made_sentences(n: int) -> list[str]:
    """Sentences with duplicate and out-of-vocabulary genes."""
    rng = np.random.default_rng(SEED)
    names = np.array(GENES, dtype=object)
    texts = []
    for _ in range(n):
        genes = names[rng.choice(N_GENES, LENGTH, replace=False)]
        kind = rng.random(LENGTH)
        genes[kind < 0.01] = genes[0]
        genes[kind > 0.99] = "NOGENE"
        texts.append(" ".join(genes))
    return texts


def parse(texts: list[str], question: Question) -> list[tuple[str, ...]]:
    """Texts to gene names."""
    found = [question.parse(text) for text in texts]
    return [() if isinstance(answer, Failure) else answer.value for answer in found]


def parse_names(texts: list[str], question: Question) -> None:
    """Texts to gene names, which are not kept."""
    for text in texts:
        question.parse(text)


def parse_ranks(texts: list[str], question: Question) -> np.ndarray:
    """Texts to ranks."""
    return encode(parse(texts, question), INDEX, LENGTH)


def peer_work(texts: list[str]) -> Work:
    """The work of cell2sentence."""
    utils = cell2sentence()
    if utils is None:
        return {}
    process, reconstruct = utils.post_process_generated_cell_sentences, utils.reconstruct_expression_from_cell_sentence
    return {
        "peer_sentences_per_s": (len(texts), lambda: [process(text, GENES) for text in texts]),
        "peer_set_sentences_per_s": (len(texts), lambda: [process(text, GENE_SET) for text in texts]),
        "peer_expression_cells_per_s": (
            len(texts),
            lambda: [reconstruct(text, " ", GENES, **LINE) for text in texts],
        ),
    }


def main() -> None:
    args = parser(__doc__, "5,000 sentences and fewer rounds").parse_args()
    n, rounds = (5_000, 3) if args.quick else (20_000, 7)
    texts = made_sentences(n)
    reasoning = "<think>" + "the genes follow from the type " * 17 + "</think>\n"
    tagged = [f"{reasoning}<answer>{text}</answer>" for text in texts]
    few = texts[: n // FEWER]
    names = parse(few, PLAIN)
    ranks = parse_ranks(texts, PLAIN)
    other = np.roll(ranks, 1, axis=0)
    other[:, ::2] = ranks[:, ::2]
    expression = rebuild_expression(ranks, np.arange(N_GENES), N_GENES, **LINE)
    rank_weighted_jaccard_batch(ranks, other)
    work: Work = {
        "sentences_per_s": (n, lambda: parse_ranks(texts, PLAIN)),
        "names_per_s": (n, lambda: parse_names(texts, PLAIN)),
        "tagged_per_s": (n, lambda: parse_ranks(tagged, TAGGED)),
        "expression_cells_per_s": (n, lambda: rebuild_expression(ranks, np.arange(N_GENES), N_GENES, **LINE)),
        "rwjs_pairs_per_s": (n, lambda: rank_weighted_jaccard_batch(ranks, other)),
        "rwjs_single_pairs_per_s": (len(few), lambda: [rank_weighted_jaccard(cell, names[0]) for cell in names]),
        "bound_sentences_per_s": (n, lambda: [list(map(INDEX.get, text.split())) for text in texts]),
        "read_bytes_per_s": (expression.data.nbytes, expression.data.view(np.int32).max),
        **peer_work(few),
    }
    found: dict[str, float | None] = {**dict.fromkeys(PEERS), **per_second(work, rounds)}
    bandwidth = found.pop("read_bytes_per_s")
    moved = ranks.nbytes + expression.data.nbytes + expression.indices.nbytes + expression.indptr.nbytes
    found["bound_expression_cells_per_s"] = bandwidth / (moved / n)
    found["bound_rwjs_pairs_per_s"] = bandwidth / (2 * ranks.nbytes / n)
    report(
        "parsing",
        {name: None if value is None else round(value) for name, value in found.items()},
        n=n,
        seed=SEED,
        quick=args.quick,
        packages=("cell2sentence", "numba", "numpy", "scipy"),
    )


if __name__ == "__main__":
    main()
