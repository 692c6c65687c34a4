"""Scores of labels by every form of the dual: likelihood, posterior and sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from benchmarks import _library as library
from recipes.embedded.sentences import label_example, sentences
from sc_duality.tasks import Failure, LabelExample, Question

#: Numbers of samples of the sampled form.
N_SAMPLES = (1, 4, 16)


class Cells(NamedTuple):
    """Labelled cells with the primal log-probabilities of the language model."""

    cells: list[list[str]]
    labels: list[str]
    #: Index of the true label of each cell.
    truth: NDArray[np.int64]
    #: Log-probability of each label, (n_cells, n_labels).
    log_prior: NDArray[np.float64]

    def examples(self, context: str, hidden_fraction: float, seed: int) -> list[LabelExample]:
        """Examples with a share of the genes hidden; the dual shows the others if ``context`` is "observed"."""
        rngs = (np.random.default_rng([seed, i]) for i in range(len(self.cells)))
        options: dict[str, Any] = {"hidden_fraction": hidden_fraction, "label_only": context == "label"}
        pairs = zip(self.cells, rngs, strict=True)
        return [label_example(genes, self.labels, rng=rng, **options) for genes, rng in pairs]


def scored_cells(
    model: library.LanguageModel, adata: ad.AnnData, labels: list[str], n: int, rng: np.random.Generator
) -> Cells:
    """At most ``n`` cells with the log-probabilities of the labels."""
    chosen = adata[rng.permutation(adata.n_obs)[:n]]
    cells = sentences(chosen, model.spec.genes, model.spec.n_genes)
    questions, completions = library.annotation_questions(model, cells, labels)
    scores = model.score([question.prompt for question in questions], completions)
    truth = np.array([labels.index(label) for label in chosen.obs["label"]])
    return Cells(cells, labels, truth, log_softmax(scores / model.spec.temperature, axis=1))


def likelihood_scores(
    model: library.LanguageModel, found: Cells, examples: Sequence[LabelExample]
) -> dict[str, NDArray[np.float64]]:
    """Scores of every label of every cell, (n_cells, n_labels), by form.

    ``likelihood``: log-likelihood gain of the hidden genes with the label over without it. ``posterior``: posterior of
    the label with a uniform prior. ``combined``: posterior with the primal probabilities as prior.
    """
    given = [None, *found.labels]
    duals = [dual for label in given for dual in duals_of(model, examples, [label] * len(examples))]
    texts = [dual.completion(dual.target) for dual in duals]
    log_likelihood = model.likelihood([dual.prompt for dual in duals], texts).reshape(len(given), -1).T
    without_label, with_label = log_likelihood[:, 0], log_likelihood[:, 1:]
    n_hidden = np.array([len(example.hidden_genes) for example in examples])
    columns = range(len(found.labels))
    gains = [library.log_likelihood_gain(with_label[:, i], without_label, n_hidden) for i in columns]
    scores = {"likelihood": np.stack(gains, 1)}
    for name, log_prior in (("posterior", None), ("combined", found.log_prior)):
        of_labels = [
            library.posterior(
                with_label, np.full(len(with_label), i), log_prior=log_prior, temperature=model.spec.dual_temperature
            )
            for i in columns
        ]
        scores[name] = np.stack(of_labels, 1)
    return scores


def sampled_scores(
    model: library.LanguageModel, examples: Sequence[LabelExample], labels: Sequence[str], seed: int
) -> NDArray[np.float64]:
    """Similarity of the hidden genes to each sampled dual given one label a cell, (n_cells, max(N_SAMPLES))."""
    duals, n_samples = duals_of(model, examples, labels), max(N_SAMPLES)
    prompts, longest = [dual.prompt for dual in duals], max(len(example.hidden_genes) for example in examples)
    texts = model.generate(prompts * n_samples, library.SamplingParams(max_tokens=longest, temperature=1.0, seed=seed))
    scores = np.zeros((n_samples, len(examples)))
    for i, text in enumerate(texts):
        sample, cell = divmod(i, len(examples))
        parsed = duals[cell].parse(text or "")
        if not isinstance(parsed, Failure):
            scores[sample, cell] = duals[cell].similarity(parsed.value)
    return scores.T


def duals_of(
    model: library.LanguageModel, examples: Sequence[LabelExample], labels: Sequence[str | None]
) -> list[Question]:
    """The dual of each example given this label."""
    task = library.annotation_task(model)
    duals = (task.dual(example, label) for example, label in zip(examples, labels, strict=True))
    return [dual for dual in duals if dual is not None]
