"""What is known of a model before it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

#: The file beside the weights that says how to ask a model.
SPEC_FILE = "sc_duality.json"


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
    dialect
        The words that it understands, see :class:`sc_duality.tasks.Dialect`.
    n_genes
        Genes of a sentence that it reads.
    labels
        Types that it knows by itself; empty for general models, which choose from any list.
    label_sets
        Parts of ``labels`` by name, such as the types of one tissue.
    ontology
        Cell Ontology term of each label.
    synonyms
        Other names of labels.
    unknown
        Probability below which an answer counts as unknown.
    temperature
        What log-likelihoods are divided by to make probabilities that mean what they say.
    n_parameters, license, tasks, note
        For :func:`sc_duality.models.available`.
    """

    name: str
    source: str
    revision: str | None = None
    dialect: str = "plain"
    n_genes: int = 100
    labels: Sequence[str] = ()
    label_sets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ontology: Mapping[str, str] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    unknown: float = 0.0
    temperature: float = 1.0
    n_parameters: int = 0
    license: str = ""
    tasks: Sequence[str] = ("annotation",)
    note: str = ""

    @cached_property
    def genes(self) -> frozenset[str] | None:
        """Gene symbols that are words of the model; ``None`` if it reads any text."""
        if self.dialect != "compact":
            return None
        words = json.loads((Path(self.source) / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        return frozenset(words) - {label.replace(" ", "_") for label in self.labels}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights in a folder, or the revision of a hub repository."""
        files = sorted(Path(self.source).glob("*.safetensors"))
        if not files:
            return self.revision or "newest"
        digest = hashlib.sha256()
        for file in files:
            with file.open("rb") as handle:
                while chunk := handle.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()
