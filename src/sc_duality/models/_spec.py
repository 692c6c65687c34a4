"""What is known of a model before it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..tasks import PromptFormat

#: The file beside the weights that says how to ask a model.
SPEC_FILE = "sc_duality.json"

#: Files in a model's folder that decide what it answers.
_DECIDES = ("*.safetensors", "*.npz", "config.json", "tokenizer*", "special_tokens_map.json", "chat_template*")


@dataclass(frozen=True)
class ModelSpec:
    """How a model is found and how it wants to be asked. Reading it loads no weights.

    Parameters
    ----------
    name
        Name by which the model was asked for.
    source
        Folder, or repository on the Hugging Face hub.
    revision
        Commit of the hub repository; ``None`` takes the newest.
    vocabulary
        Folder with the model's words, where ``source`` is the address of a server.
    prompt_format
        The words that it understands, see :class:`sc_duality.tasks.PromptFormat`.
    n_genes
        Genes of a sentence that it reads.
    labels
        Types that it knows by itself; empty for general models, which choose from any list.
    label_sets
        Parts of ``labels`` by tissue.
    ontology
        Cell Ontology term of each label and of each coarse type.
    coarse
        The coarse type that each label belongs to, such as ``"T cell"``, which may be the label itself; empty where
        the model knows none.
    synonyms
        Other names of labels.
    none_of_these
        Answer by which it says that a cell is of none of the labels; empty where it was not taught one.
    unknown
        Probability below which an answer counts as unknown, times that of ``familiar``.
    familiar
        ``half`` and ``slope`` of the curve by which a cell is like those that the model learned the labels from, some
        of which lie in ``reference.npz`` beside the weights, and ``temperature``, as below, of what these say of the
        labels; empty where there are none.
    temperature
        What log-likelihoods are divided by to make probabilities that mean what they say.
    dual_temperature
        The same for the log-likelihoods of hidden genes, summed over a cell's genes.
    perturbations
        What it knows to do to a cell, each as the fields of a :class:`sc_duality.tasks.Perturbation`; empty for
        general models.
    drugs
        Labels that it knows for how a cell takes a drug, by drug; empty for general models.
    expression_model
        ``slope`` and ``intercept`` of the line from ranks to expression on the cells it was trained on
        (:func:`sc_duality.pp.fit_expression`); empty where there is none.
    tasks
        Names of the tasks that it was made for.
    cautions
        What a user has to know before a task's answers are used, by task.
    n_parameters, license, note
        For :func:`sc_duality.models.available`.
    """

    name: str
    source: str
    revision: str | None = None
    vocabulary: str | None = None
    prompt_format: str = "plain"
    n_genes: int = 100
    labels: Sequence[str] = ()
    label_sets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ontology: Mapping[str, str] = field(default_factory=dict)
    coarse: Mapping[str, str] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    none_of_these: str = ""
    unknown: float = 0.0
    familiar: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    dual_temperature: float = 1.0
    perturbations: Sequence[Mapping[str, str]] = ()
    drugs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expression_model: Mapping[str, float] = field(default_factory=dict)
    tasks: Sequence[str] = ("annotation", "sensitivity", "generation", "response", "puzzle")
    cautions: Mapping[str, str] = field(default_factory=dict)
    n_parameters: int = 0
    license: str = ""
    note: str = ""

    @cached_property
    def genes(self) -> frozenset[str] | None:
        """Gene symbols that are words of the model; ``None`` if it reads any text."""
        if not PromptFormat(self.prompt_format).gene_tokens:
            return None
        tokenizer = Path(self.vocabulary or self.source) / "tokenizer.json"
        words = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
        labels = {label.replace(" ", "_") for label in self.labels}
        return frozenset(word for word in words if not word.startswith("<") and word not in labels)

    def room_for(self, n_words: int) -> int:
        """Tokens that so many genes or labels need: one each where they are words, else more, and some to reason."""
        return n_words if self.genes is not None else 256 + 8 * n_words

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights and the words in a folder, or the revision of a hub repository."""
        files = sorted(file for pattern in _DECIDES for file in Path(self.source).glob(pattern))
        if not files:
            return self.revision or "newest"
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode())
            with file.open("rb") as handle:
                while chunk := handle.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()
