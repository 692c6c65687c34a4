"""Examples of gene interaction and interaction partners, from tables of interactions and not from cells."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import (
    GeneInteraction,
    InteractionExample,
    InteractionPartners,
    PartnersExample,
    TrainingExample,
    interaction_pairs,
)
from ._examples import Examples, Pool, cell_rng, every_row
from ._known_genes import model_names
from ._negative_pairs import Pair, negative_pairs, unordered

logger = logging.getLogger(__name__)

#: Genes to choose from in the dual task of interaction partners.
_N_OPTIONS = 10


class InteractionExamples(Examples):
    """Examples of a task on interactions of genes. A pair is held out of both tasks, or of none."""

    about_cells = False
    of_cells = False

    @property
    def has_truth(self) -> bool:
        """The table tells which genes interact."""
        return True

    @cached_property
    def pairs(self) -> list[Pair]:
        """Interacting genes in the model's symbols; pairs with a gene that it does not know are left out."""
        if self.task.interactions is None:
            raise ValueError(
                f"the task {self.task.name!r} needs interactions: pass tasks={{{self.task.name!r}: {{'interactions': "
                "sd.io.read_liana(path)}}"
            )
        pairs = interaction_pairs(self.task.interactions)
        found = self.in_model(pairs)
        if not found:
            raise ValueError(
                f"the model {self.cells.spec.name!r} knows both genes of none of the {len(pairs)} interactions, such "
                f"as {' and '.join(pairs[0])}: pass gene symbols of its species"
            )
        if len(found) < len(pairs):
            logger.info("the model knows both genes of %d of %d interactions", len(found), len(pairs))
        return found

    def in_model(self, pairs: Sequence[Pair]) -> list[Pair]:
        """These pairs in the model's symbols, each once."""
        genes = list(dict.fromkeys(gene for pair in pairs for gene in pair))
        names = dict(zip(genes, model_names(np.array(genes, dtype=object), self.cells.spec), strict=True))
        found: dict[Pair, Pair] = {}
        for one, other in pairs:
            a, b = names[one], names[other]
            if a is not None and b is not None and a != b:
                found.setdefault(unordered((a, b)), (a, b))
        return list(found.values())

    def labelled(self, rows: NDArray[np.bool_]) -> Pool:
        """The examples of pairs among ``rows``: a random cell stands for each pair, as for gene sets."""
        stands = [int(cell_rng(0, "interaction", " ".join(unordered(pair))).integers(len(rows))) for pair in self.pairs]
        found = self.examples(rows[np.array(stands)])

        def example(i: int, _: list[str], rng: np.random.Generator) -> TrainingExample:
            return self.training_example(found[i], rng, with_truth=True)

        return Pool(np.arange(len(found)), np.ones(len(found)), example, of_cells=False)

    def unlabelled(
        self, n: int, rng: np.random.Generator, *, augment: bool = False, with_truth: bool = False
    ) -> list[TrainingExample]:
        """Every example once, in random order, then again."""
        found = self.examples(np.ones(len(self.pairs), dtype=bool))
        rows = every_row(np.arange(len(found)), n, rng)
        return [self.training_example(found[i], rng, with_truth=with_truth) for i in rows]

    @abstractmethod
    def examples(self, kept: NDArray[np.bool_]) -> list[Any]:
        """What examples of these pairs start from."""

    @abstractmethod
    def training_example(self, start: Any, rng: np.random.Generator, *, with_truth: bool) -> TrainingExample:
        """One example."""


class GeneInteractionExamples(InteractionExamples):
    """Examples of gene interaction: known pairs, and as many that are not known to interact."""

    task_class = GeneInteraction

    @cached_property
    def known(self) -> set[Pair]:
        """All known pairs, whichever gene comes first."""
        further = () if self.task.known is None else interaction_pairs(self.task.known)
        return {unordered(pair) for pair in (*self.pairs, *self.in_model(further))}

    def examples(self, kept: NDArray[np.bool_]) -> list[tuple[Pair, str]]:
        """Pairs with their answers.

        Negative pairs are made within the training and within the held-out part: balanced over both together, a gene
        with more known pairs in one part would have more negative ones in the other.
        """
        negatives: dict[bool, list[Pair | None]] = {}
        known = set(self.known)
        for part in (bool(kept[0]), not kept[0]):  # in the same order, whichever part is kept
            pairs = [pair for pair, keep in zip(self.pairs, kept, strict=True) if keep == part]
            negatives[part] = negative_pairs(pairs, known, np.random.default_rng(0))
            known |= {unordered(pair) for pair in negatives[part] if pair is not None}
        if len(known) == len(self.known):
            raise ValueError(
                f"all genes of the {len(self.pairs)} interactions are known to interact with each other, so that the "
                f"task {self.task.name!r} has no pair with the answer no: pass interactions of more genes"
            )
        if n_without := negatives[True].count(None):
            logger.warning("%d of %d interactions have no pair that is not known", n_without, len(negatives[True]))
        positive = [(pair, "yes") for pair, keep in zip(self.pairs, kept, strict=True) if keep]
        return [*positive, *((pair, "no") for pair in negatives[True] if pair is not None)]

    def training_example(
        self, start: tuple[Pair, str], rng: np.random.Generator, *, with_truth: bool
    ) -> TrainingExample:
        """Two genes in random order; the other answer is the wrong one."""
        pair, answer = start
        gene, other = pair if rng.random() < 0.5 else pair[::-1]
        example = InteractionExample(gene=gene, other=other, truth=answer if with_truth else None)
        wrong = ("no" if answer == "yes" else "yes",) if with_truth else ()
        return TrainingExample(self.task, example, wrong)


class InteractionPartnersExamples(InteractionExamples):
    """Examples of interaction partners."""

    task_class = InteractionPartners

    @cached_property
    def partners(self) -> dict[str, set[str]]:
        """All partners of each gene."""
        found: dict[str, set[str]] = {}
        for one, other in self.pairs:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
        return found

    @cached_property
    def first_genes(self) -> set[str]:
        """Genes that come first in a pair, such as ligands."""
        return {one for one, _ in self.pairs}

    def examples(self, kept: NDArray[np.bool_]) -> list[tuple[str, tuple[str, ...]]]:
        """Genes with their partners in these pairs."""
        found: dict[str, list[str]] = {}
        for (one, other), keep in zip(self.pairs, kept, strict=True):
            if keep:
                found.setdefault(one, []).append(other)
                found.setdefault(other, []).append(one)
        return [(gene, tuple(partners)) for gene, partners in found.items()]

    def training_example(
        self, start: tuple[str, tuple[str, ...]], rng: np.random.Generator, *, with_truth: bool
    ) -> TrainingExample:
        """A gene, and its partners in random order."""
        gene, partners = start
        n = min(len(partners), self.task.max_genes)
        shown = tuple(rng.permutation(np.array(partners, dtype=object))[:n].tolist())
        options = self._options(gene, shown, rng)
        truth = shown if with_truth else None
        return TrainingExample(self.task, PartnersExample(gene=gene, options=options, n_genes=n, truth=truth))

    def _options(self, gene: str, shown: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
        """The gene in random order among others on its side of the table with about as many partners.

        None of these interacts with a gene that is shown.
        """
        excluded = {gene, *shown}.union(*(self.partners[one] for one in shown))
        side = gene in self.first_genes
        others = [one for one in self.partners if one not in excluded and (one in self.first_genes) == side]
        difference = [abs(len(self.partners[one]) - len(self.partners[gene])) + rng.random() for one in others]
        nearest = [others[i] for i in np.argsort(difference)[: _N_OPTIONS - 1]]
        return tuple(rng.permutation(np.array([gene, *nearest], dtype=object)).tolist())
