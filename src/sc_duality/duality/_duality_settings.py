"""Settings of the duality score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._validation import choice, positive_integer
from ..models import LanguageModel


@dataclass(frozen=True, kw_only=True)
class Duality:
    """How the dual task scores a prediction.

    Parameters
    ----------
    form
        ``"posterior"``: posterior probability of the label under a uniform prior, from log p(hidden genes | label); for
        generated cells, the probability of the requested cell type or perturbation among all options.
        ``"likelihood"``: how much the label raises the log-likelihood of the hidden genes, in nats a gene; for
        generated cells, the log-probability of the requested option. ``"sample"`` (the paper's): the model generates
        the hidden part, and the score is the mean similarity to the truth.
    context
        What the dual task of a label shows: the ``"label"`` alone, or the ``"observed"`` genes too, as in the paper.
    hidden_fraction
        Fraction of the cell's genes that are hidden, in (0, 1].
    hidden
        Which genes are hidden, in training: ``"random"`` ones of the cell sentence; those ``"beyond"`` the sentence,
        which no prompt shows; or those that rank highest over other cells of the same ``"cluster"``.
    cluster
        ``obs`` column with clusters, for ``hidden="cluster"``.
    n_samples
        Reconstructions to sample for ``form="sample"``.
    n_labels
        Labels that the posterior of an earlier prediction compares: the predicted one and the most probable others, if
        their probabilities are stored. ``None`` compares all, as training always does.
    verifier
        The model that scores, in training: ``"reference"`` (the model that the run started from), ``"policy"`` (the
        model with its current weights; it may learn to agree with itself), or a loaded model.

    Notes
    -----
    CellDuality §3.4.1, equations 2 and 3, is ``form="sample"`` with ``context="observed"`` and ``verifier="policy"``.
    The other forms, and the label alone as context, are ours: they need one forward pass and no sampling.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.Duality(form="sample", context="observed", hidden_fraction=0.3).form
    'sample'
    """

    form: Literal["posterior", "likelihood", "sample"] = "posterior"
    context: Literal["label", "observed"] = "label"
    hidden_fraction: float = 1.0
    hidden: Literal["random", "beyond", "cluster"] = "random"
    cluster: str | None = None
    n_samples: int = 4
    n_labels: int | None = 3
    verifier: Literal["reference", "policy"] | LanguageModel = "reference"

    def __post_init__(self) -> None:
        choice("form", self.form, ("posterior", "likelihood", "sample"))
        choice("context", self.context, ("label", "observed"))
        choice("hidden", self.hidden, ("random", "beyond", "cluster"))
        positive_integer("n_samples", self.n_samples)
        if self.n_labels is not None and positive_integer("n_labels", self.n_labels) < 2:
            raise ValueError("n_labels=1 leaves nothing to compare with: pass 2 or more, or None for all labels")
        if not 0 < self.hidden_fraction <= 1:
            raise ValueError(f"hidden_fraction must be above 0 and at most 1, got {self.hidden_fraction}")
        if (self.hidden == "cluster") != (self.cluster is not None):
            raise ValueError("hidden='cluster' and cluster=, the obs column with the clusters, belong together")
        if not isinstance(self.verifier, LanguageModel) and self.verifier not in ("reference", "policy"):
            raise ValueError(
                f"verifier must be 'reference', 'policy' or a loaded model (sd.models.load), got {self.verifier!r}"
            )
