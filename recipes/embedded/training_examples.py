"""Training examples of the embedded model: prompts and completions of every task and its dual.

Batches have few fixed lengths, because matrix kernels are compiled once for each shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from recipes.embedded.batches import Batch, TrainingExample, collate
from recipes.embedded.corpus import N_GENES, Corpus
from recipes.embedded.out_of_distribution import OutOfDistributionCells
from recipes.embedded.perturbed_cells import PERTURBATIONS, PerturbedPairs
from recipes.embedded.sentences import label_example
from sc_duality.tasks import (
    Annotation,
    Generation,
    GenerationExample,
    Question,
    Response,
    ResponseExample,
    Sensitivity,
    SensitivityExample,
    hide_genes,
)

#: Completion for a cell of none of the types.
NONE = "<unknown>"
#: Labels of the sensitivity task: no data with known sensitivity, so whether a cell was treated.
DRUG, EXPOSURE = "panobinostat", ("treated", "untreated")
FORMAT = "compact"
ANNOTATION, GENERATION = Annotation(prompt_format=FORMAT), Generation(prompt_format=FORMAT)
RESPONSE, SENSITIVITY = Response(prompt_format=FORMAT), Sensitivity(drug=DRUG, prompt_format=FORMAT)

#: Genes in the sentences of a batch, and the probability of each length.
LENGTHS, LENGTH_PROBABILITIES = (60, 120, N_GENES), (0.3, 0.4, 0.3)
#: Padded lengths of batches of examples of similar length, and the number of batches made at once.
WIDTHS, POOL = (72, 136, N_GENES + 8), 8
#: Loss weight of the prompt; that of the completion is 1.
PROMPT_WEIGHT = 0.3
#: Examples of each kind in a batch of 32; a contrast is a group of one true and two wrong labels.
CONTRASTS, GENERATIONS, OUT_OF_DISTRIBUTION, EXPOSURES = 2, 11, 2, 1
#: Share of batches with annotation only, and with pairs of perturbed cells only.
ANNOTATION_SHARE, RESPONSE_SHARE = 0.25, 0.15


def completion_of(label: str) -> str:
    """The completion whose answer is this cell type: a token."""
    return ANNOTATION.question(label_example((), (label,))).completion(label)


def training_example(question: Question | None, answer: Any = None, prompt_weight: float = 0.0) -> TrainingExample:
    """The prompt of a question and the completion of this answer, or else of its target."""
    assert question is not None
    return TrainingExample(
        question.prompt, question.completion(question.target if answer is None else answer), prompt_weight
    )


class TrainingExamples:
    """Samples batches of training examples.

    Parameters
    ----------
    corpus
        Labelled cells.
    tokenizer
        The model's tokenizer.
    tissues
        Tissue of each study of the corpus.
    panels
        Studies that measure a panel of genes; generation excludes their cells.
    out_of_distribution
        Samples cells of none of the types.
    pairs
        Pairs of perturbed cells; the sensitivity task uses the second set.
    rng
        Random generator.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: PreTrainedTokenizerFast,
        tissues: list[str],
        panels: set[int],
        out_of_distribution: OutOfDistributionCells,
        pairs: PerturbedPairs | None,
        rng: np.random.Generator,
    ) -> None:
        self.corpus, self.tokenizer, self.tissues, self.rng = corpus, tokenizer, tissues, rng
        self.out_of_distribution, self.pairs = out_of_distribution, pairs
        self.labels = sorted(set(corpus.label))
        of_tissue = np.array(tissues)[corpus.study]
        self.of_tissue = {tissue: sorted(set(corpus.label[of_tissue == tissue])) for tissue in set(tissues)}
        self.similarity = corpus.similarity(self.labels)
        self.generation_weight = corpus.weight * ~np.isin(corpus.study, list(panels))
        self.generation_weight /= self.generation_weight.sum()

    def annotation_batches(self, size: int) -> Iterator[Batch]:
        """Endless batches of annotation, out-of-distribution cells included.

        A batch holds examples of similar length, which saves padding.
        """
        while True:
            examples = [self._unknown(self._length()) if self.rng.random() < 1 / 8 else self._cell(self._length(), 0.9)
                    for _ in range(POOL * size)]  # fmt: skip
            lengths = np.array([len(example.prompt.split()) for example in examples])
            batches = np.array_split(np.argsort(lengths, kind="stable"), POOL)
            for i in self.rng.permutation(POOL):
                longest = lengths[batches[i]].max() + 2
                width = next(width for width in WIDTHS if width >= longest)
                yield self._collate([examples[j] for j in batches[i]], width, 0)

    def _length(self) -> int:
        """Maximum number of genes of a sentence: all in half of the examples."""
        return N_GENES if self.rng.random() < 0.5 else int(self.rng.integers(30, N_GENES))

    def batches(self, size: int) -> Iterator[Batch]:
        """Endless batches of all tasks and their duals; without response where ``pairs`` is None."""
        annotation = self.annotation_batches(size)
        while True:
            kind = self.rng.random()
            if kind < ANNOTATION_SHARE:
                yield next(annotation)
                continue
            if self.pairs is not None and kind < ANNOTATION_SHARE + RESPONSE_SHARE:
                examples = [self._pair(self.pairs) for _ in range(size // 2)]
                yield self._collate(examples, 2 * N_GENES + 8, 0)
                continue
            n_genes = int(self.rng.choice(LENGTHS, p=LENGTH_PROBABILITIES))
            groups = [self._contrast(n_genes) for _ in range(CONTRASTS)]
            examples = [example for group in groups for example in group]
            examples += [self._generation(n_genes) for _ in range(GENERATIONS)]
            examples += [self._unknown(n_genes) for _ in range(OUT_OF_DISTRIBUTION)]
            if self.pairs is not None:
                examples += [self._exposure(self.pairs, n_genes) for _ in range(EXPOSURES)]
            examples += [self._cell(n_genes) for _ in range(size - len(examples))]
            yield self._collate(examples, n_genes + 8, len(groups))

    def _cell(self, n_genes: int, primal: float = 0.75) -> TrainingExample:
        """The annotation of a cell, or its dual; one dual in four is without the label."""
        cell = int(self.corpus.sample(1, self.rng)[0])
        genes, label = self.corpus.sentence(cell, n_genes, self.rng), str(self.corpus.label[cell])
        if self.rng.random() < primal:
            return training_example(ANNOTATION.question(label_example(genes, self.labels)), label, PROMPT_WEIGHT)
        example = label_example(genes, self.labels, hidden_fraction=self.rng.uniform(0.2, 1.0), rng=self.rng)
        return training_example(ANNOTATION.dual(example, None if self.rng.random() < 0.25 else label))

    def _unknown(self, n_genes: int) -> TrainingExample:
        """A cell of none of the types."""
        genes = self.out_of_distribution.sentence(n_genes, self.rng)
        prompt = ANNOTATION.question(label_example(genes, self.labels)).prompt
        return TrainingExample(prompt, NONE, PROMPT_WEIGHT / 4)

    def _contrast(self, n_genes: int) -> list[TrainingExample]:
        """The dual of a cell given its label, a similar label and another label of the tissue."""
        cell = int(self.corpus.sample(1, self.rng)[0])
        genes, label = self.corpus.sentence(cell, n_genes, self.rng), str(self.corpus.label[cell])
        others = [other for other in self.of_tissue[self.tissues[self.corpus.study[cell]]] if other != label]
        weight = np.exp(8 * self.similarity[self.labels.index(label), [self.labels.index(other) for other in others]])
        hard = str(self.rng.choice(others, p=weight / weight.sum()))
        easy = str(self.rng.choice([other for other in others if other != hard]))
        label_only = self.rng.random() < 0.5
        example = label_example(
            genes, self.labels, hidden_fraction=self.rng.uniform(0.5, 1) if label_only else self.rng.uniform(0.2, 0.9),
            rng=self.rng, label_only=label_only,
        )  # fmt: skip
        return [training_example(ANNOTATION.dual(example, given)) for given in (label, hard, easy)]

    def _generation(self, n_genes: int) -> TrainingExample:
        """Generation of a cell from its type, without augmentation; one in four without the tissue."""
        cell = int(self.rng.choice(len(self.generation_weight), p=self.generation_weight))
        label, tissue = str(self.corpus.label[cell]), self.tissues[self.corpus.study[cell]]
        context = {} if self.rng.random() < 0.25 else {"tissue": tissue}
        genes = self.corpus.measured(cell, N_GENES, self.rng)
        example = GenerationExample(cell_type=label, options=tuple(self.labels), context=context)
        return training_example(GENERATION.question(example), genes)

    def _pair(self, pairs: PerturbedPairs) -> TrainingExample:
        """The response of a cell to a perturbation, or its dual."""
        pair = pairs.sample(self.rng)
        example = ResponseExample(
            genes=tuple(pair.control), perturbation=pair.perturbation, options=tuple(PERTURBATIONS)
        )
        if self.rng.random() < 0.7:
            return training_example(RESPONSE.question(example), pair.perturbed)
        return training_example(RESPONSE.dual(example, pair.perturbed))

    def _exposure(self, pairs: PerturbedPairs, n_genes: int) -> TrainingExample:
        """Sensitivity (whether a cell was treated), or its dual."""
        genes, treated = pairs.sample_cell(1, self.rng)
        label = EXPOSURE[0] if treated else EXPOSURE[1]
        hidden_fraction = 0.0 if self.rng.random() < 0.6 else self.rng.uniform(0.2, 1.0)
        observed, hidden = hide_genes(genes[:n_genes], hidden_fraction, self.rng)
        example = SensitivityExample(
            genes=tuple(genes[:n_genes]), drug=DRUG, options=EXPOSURE, observed=observed, hidden_genes=hidden
        )
        if not hidden_fraction:
            return training_example(SENSITIVITY.question(example), label)
        return training_example(SENSITIVITY.dual(example, None if self.rng.random() < 0.25 else label))

    def _collate(self, examples: list[TrainingExample], length: int, n_contrasts: int) -> Batch:
        return collate(examples, length, n_contrasts, self.tokenizer, self.rng)
