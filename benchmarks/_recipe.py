"""What the embedded model is trained on: rows of text of every task and its dual, and how much each word counts.

Lengths are few and fixed, since matrix kernels are compiled anew for every shape they meet, and the loss
is computed on a part of the genes, since the gene vocabulary is the largest cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from benchmarks._corpus import N_GENES, Corpus
from benchmarks._foreign import Foreign
from benchmarks._responses import PERTURBATIONS, Responses
from sc_duality.tasks import (
    Annotation,
    Generation,
    Response,
    Sensitivity,
    annotation_example,
    generation_example,
    response_example,
    sensitivity_example,
)

ANNOTATION, FROM_LABEL = Annotation("compact"), Annotation("compact", given="label")
GENERATION, RESPONSE, SENSITIVITY = Generation("compact"), Response("compact"), Sensitivity("compact")
#: What is answered where none of the types is right.
NONE = "<unknown>"
#: No cell of a known sensitivity may be had: what stands in is whether a cell was treated.
DRUG, EXPOSURE = "panobinostat", ("treated", "untreated")

#: Genes in the sentences of a batch, and how often.
LENGTHS, LENGTH_CHANCES = (60, 120, N_GENES), (0.3, 0.4, 0.3)
#: Tokens of a row in batches of rows of like length, and how many batches are made at once.
WIDTHS, POOL = (72, 136, N_GENES + 8), 8
#: Share of the genes whose loss is computed.
SHARE = 0.15
#: Weight of the genes in a prompt, which teach how genes go together; an answer weighs 1.
READING = 0.3
#: Rows of each kind in a batch of 32; contrasts come in groups of one right and two wrong labels.
CONTRASTS, GENERATIONS, FOREIGN, EXPOSURES = 2, 11, 2, 1
LABELS_EACH = 3
#: Shares of the batches of all tasks that hold annotation alone, and pairs of perturbed cells.
ALONE, PAIRS = 0.25, 0.15
#: Hidden genes by which a label is judged in training; scaled up, they stand for all.
JUDGED = 16


class Row(NamedTuple):
    """One text to learn from."""

    prompt: str
    answer: str
    #: Weight of the prompt's words together.
    reading: float = 0.0


class Batch(NamedTuple):
    """Rows as tensors."""

    #: Token ids, (rows, length).
    ids: torch.Tensor
    #: Weight of each token's loss, (rows, length).
    weight: torch.Tensor
    #: Positions by which the labels of a contrast are judged, (groups, labels, JUDGED) of the flattened ids; the
    #: first label is the right one.
    judged: torch.Tensor
    #: How many hidden genes each judged position stands for, (groups,).
    scale: torch.Tensor


class Recipe:
    """Draws batches.

    Parameters
    ----------
    corpus
        Labelled cells.
    tokenizer
        The model's words.
    tissues
        Tissue of each study of the corpus.
    unlike
        Studies that measure a panel of genes: no cells are generated like theirs.
    foreign
        Draws cells of none of the types.
    responses
        Pairs of perturbed cells; the last set but one tells treated from untreated cells.
    rng
        Generator of all draws.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: PreTrainedTokenizerFast,
        tissues: list[str],
        unlike: set[int],
        foreign: Foreign,
        responses: Responses | None,
        rng: np.random.Generator,
    ) -> None:
        self.corpus, self.tokenizer, self.tissues, self.rng = corpus, tokenizer, tissues, rng
        self.foreign, self.responses = foreign, responses
        self.labels = sorted(set(corpus.label))
        of_tissue = np.array(tissues)[corpus.study]
        self.of_tissue = {tissue: sorted(set(corpus.label[of_tissue == tissue])) for tissue in set(tissues)}
        self.nearest = corpus.similarity(self.labels)
        self.whole = corpus.weight * ~np.isin(corpus.study, list(unlike))
        self.whole /= self.whole.sum()

    def single(self, size: int) -> Iterator[Batch]:
        """Batches without end of the annotation of cells, of every length, and of cells of none of the types.

        Rows of like length stand together, so that little is padded.
        """
        while True:
            rows = [self._foreign(self._length()) if self.rng.random() < 1 / 8 else self._cell(self._length(), 0.9)
                    for _ in range(POOL * size)]  # fmt: skip
            lengths = np.array([len(row.prompt.split()) for row in rows])
            batches = np.array_split(np.argsort(lengths, kind="stable"), POOL)
            for i in self.rng.permutation(POOL):
                longest = lengths[batches[i]].max() + 2
                room = next(width for width in WIDTHS if width >= longest)
                yield self._tensors([rows[row] for row in batches[i]], room, [])

    def _length(self) -> int:
        """Genes of a sentence at most: all, in half of the rows."""
        return N_GENES if self.rng.random() < 0.5 else int(self.rng.integers(30, N_GENES))

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches without end of all tasks and their duals; without pairs where there are none."""
        annotation = self.single(size)
        while True:
            kind = self.rng.random()
            if kind < ALONE:
                yield next(annotation)
                continue
            if self.responses is not None and kind < ALONE + PAIRS:
                rows = [self._pair() for _ in range(size // 2)]
                yield self._tensors(rows, 2 * N_GENES + 8, [])
                continue
            n_genes = int(self.rng.choice(LENGTHS, p=LENGTH_CHANCES))
            groups = [self._contrast(n_genes) for _ in range(CONTRASTS)]
            rows = [row for group in groups for row in group]
            rows += [self._generation(n_genes) for _ in range(GENERATIONS)]
            rows += [self._foreign(n_genes) for _ in range(FOREIGN)]
            rows += [self._exposure(n_genes) for _ in range(EXPOSURES if self.responses else 0)]
            rows += [self._cell(n_genes) for _ in range(size - len(rows))]
            yield self._tensors(rows, n_genes + 8, [len(group) for group in groups])

    def _cell(self, n_genes: int, primal: float = 0.75) -> Row:
        """The annotation of a cell, or its dual; one dual in four names no label."""
        cell = int(self.corpus.draw(1, self.rng)[0])
        genes, label = self.corpus.sentence(cell, n_genes, self.rng), str(self.corpus.label[cell])
        if self.rng.random() < primal:
            return Row(ANNOTATION.prompt(annotation_example(genes, self.labels)), ANNOTATION.answer(label), READING)
        example = annotation_example(genes, self.labels, hidden_fraction=self.rng.uniform(0.2, 1.0), rng=self.rng)
        said = None if self.rng.random() < 0.25 else label
        return Row(ANNOTATION.dual_prompt(said, example), ANNOTATION.dual_answer(example.unknown))

    def _foreign(self, n_genes: int) -> Row:
        """A cell of none of the types."""
        genes = self.foreign.sentence(n_genes, self.rng)
        return Row(ANNOTATION.prompt(annotation_example(genes, self.labels)), ANNOTATION.answer(NONE), READING / 4)

    def _contrast(self, n_genes: int) -> list[Row]:
        """The dual of one cell under its label, a similar one and any other of the tissue."""
        cell = int(self.corpus.draw(1, self.rng)[0])
        genes, label = self.corpus.sentence(cell, n_genes, self.rng), str(self.corpus.label[cell])
        others = [other for other in self.of_tissue[self.tissues[self.corpus.study[cell]]] if other != label]
        weight = np.exp(8 * self.nearest[self.labels.index(label), [self.labels.index(other) for other in others]])
        hard = str(self.rng.choice(others, p=weight / weight.sum()))
        easy = str(self.rng.choice([other for other in others if other != hard]))
        alone = self.rng.random() < 0.5
        example = annotation_example(
            genes, self.labels, hidden_fraction=self.rng.uniform(0.5, 1) if alone else self.rng.uniform(0.2, 0.9),
            rng=self.rng,
        )  # fmt: skip
        task = FROM_LABEL if alone else ANNOTATION
        answer = task.dual_answer(example.unknown)
        return [Row(task.dual_prompt(said, example), answer) for said in (label, hard, easy)]

    def _generation(self, n_genes: int) -> Row:
        """A cell as it was measured, written from its type; one in four without the tissue."""
        cell = int(self.rng.choice(len(self.whole), p=self.whole))
        label, tissue = str(self.corpus.label[cell]), self.tissues[self.corpus.study[cell]]
        context = {} if self.rng.random() < 0.25 else {"tissue": tissue}
        genes = self.corpus.measured(cell, N_GENES, self.rng)
        prompt = GENERATION.prompt(generation_example(label, self.labels, context=context))
        return Row(prompt, GENERATION.answer(genes))

    def _pair(self) -> Row:
        """A response, or its dual."""
        pair = self.responses.draw(self.rng)
        example = response_example(pair.before, pair.perturbation, PERTURBATIONS)
        if self.rng.random() < 0.7:
            return Row(RESPONSE.prompt(example), RESPONSE.answer(pair.after))
        return Row(RESPONSE.dual_prompt(pair.after, example), RESPONSE.dual_answer(pair.perturbation))

    def _exposure(self, n_genes: int) -> Row:
        """Whether a cell was treated, or the dual of that."""
        genes, treated = self.responses.cell(1, self.rng)
        label = EXPOSURE[0] if treated else EXPOSURE[1]
        hidden = 0.0 if self.rng.random() < 0.6 else self.rng.uniform(0.2, 1.0)
        example = sensitivity_example(genes[:n_genes], DRUG, EXPOSURE, hidden_fraction=hidden, rng=self.rng)
        if not hidden:
            return Row(SENSITIVITY.prompt(example), SENSITIVITY.answer(label))
        said = None if self.rng.random() < 0.25 else label
        return Row(SENSITIVITY.dual_prompt(said, example), SENSITIVITY.dual_answer(example.unknown))

    def _tensors(self, rows: list[Row], length: int, groups: list[int]) -> Batch:
        ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
        weight = torch.zeros(ids.shape)
        answers = []
        for i, row in enumerate(rows):
            prompt, answer = (self.tokenizer.encode(text) for text in (row.prompt, row.answer))
            words = [*prompt, *answer, self.tokenizer.eos_token_id][:length]
            each = [*[row.reading / len(prompt)] * len(prompt), *[1 / len(answer)] * len(answer), 1 / N_GENES]
            ids[i, : len(words)] = torch.tensor(words)
            weight[i, : len(words)] = torch.tensor(self._thinned(np.array(each[: len(words)])))
            answers.append((len(prompt), len(answer)))
        judged = torch.zeros((len(groups), LABELS_EACH, JUDGED), dtype=torch.long)
        scale = torch.zeros(len(groups))
        for group in range(len(groups)):
            first = LABELS_EACH * group
            n_hidden = answers[first][1]
            places = torch.tensor(self.rng.integers(n_hidden, size=JUDGED))
            scale[group] = n_hidden / JUDGED
            for i in range(LABELS_EACH):
                judged[group, i] = (first + i) * (length - 1) + answers[first + i][0] - 1 + places
                weight[first + i] *= i == 0  # only the right label teaches the genes
        return Batch(ids, weight, judged, scale)

    def _thinned(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """The loss of a random part of the genes stands for all."""
        chance = np.where(weight < 0.025, SHARE, 1.0)
        return np.where(self.rng.random(len(weight)) < chance, weight / chance, 0)
