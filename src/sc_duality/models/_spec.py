"""What is known about a model before it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..tasks import PromptFormat

#: File in a model's folder with the fields of its :class:`ModelSpec`.
SPEC_FILE = "sc_duality.json"

#: Files in a model's folder that its answers depend on.
_HASHED = (
    "*.safetensors", "*.npz", "config.json", "generation_config.json",
    "tokenizer*", "vocab*", "merges.txt", "*.model", "special_tokens_map.json", "chat_template*",
)  # fmt: skip
#: Tokens for reasoning, and tokens per gene or label, of models without gene tokens.
_REASONING_TOKENS, _TOKENS_PER_NAME = 256, 8
#: Context length where it is not known before the model is loaded (that of C2S-Scale), and tokens of a question and of
#: what stands around each cell in a prompt: of general models, and of models with one token a gene.
_CONTEXT_LENGTH, _QUESTION_TOKENS, _TOKENS_PER_CELL = 8192, (400, 12), (24, 3)
#: Tokens around the genes in a prompt of one cell, of models with one token a gene.
TOKENS_AROUND_GENES = _QUESTION_TOKENS[True] + _TOKENS_PER_CELL[True]


@dataclass(frozen=True)
class ModelSpec:
    """Where a model is found, how it is prompted and what it knows. Reading it loads no weights.

    Parameters
    ----------
    name
        Name by which the model was requested.
    source
        Folder, repository on the Hugging Face hub, or address of a server.
    revision
        Commit of the hub repository; ``None`` takes the newest.
    vocabulary
        Folder with the tokenizer, where ``source`` is the address of a server.
    prompt_format
        Prompt format that the model was trained on, see :class:`sc_duality.tasks.PromptFormat`.
    n_genes
        Number of genes of a cell sentence in a prompt.
    exclude
        Genes that cell sentences leave out, as in :func:`sc_duality.pp.cell_sentences`.
    tasks
        Names of the tasks that the model was trained for; ``None`` for general models, which take any task.
    knows
        What the model knows of each task, by the name of the task; see below.
    temperature
        Calibration temperature: label probabilities are the softmax of log-likelihoods divided by it.
    dual_temperature
        The same for log-likelihoods of hidden genes, summed over the genes of a cell.
    expression_model
        ``slope`` and ``intercept`` of the line from rank to expression on the training cells
        (:func:`sc_duality.pp.fit_expression`); empty if unknown.
    cautions
        What a user has to know before using the answers of a task, by the name of the task.
    n_parameters, license, note
        For :func:`sc_duality.models.available`.

    Notes
    -----
    ``knows["annotation"]`` may hold ``labels`` (cell types of the training data), ``label_sets`` (subsets of them by
    tissue), ``ontology`` (Cell Ontology term of each label and coarse type), ``coarse`` (coarse type of each label),
    ``synonyms`` (label by other name), ``none_of_these`` (the answer for a cell of none of the labels), ``unknown``
    (confidence times in-distribution probability below which a cell counts as unknown), ``in_distribution``
    (``midpoint`` and ``slope`` of the logistic curve from similarity to in-distribution probability, and
    ``temperature`` of the reference classifier) and ``reference_labels`` (cell types that the reference classifier
    alone knows, see :func:`sc_duality.tl.add_reference_cells`). ``knows["response"]`` may hold ``perturbations``, each
    as the fields of a :class:`sc_duality.tasks.Perturbation`, and ``knows["sensitivity"]`` may hold ``drugs`` (labels
    by drug).
    """

    name: str
    source: str
    revision: str | None = None
    vocabulary: str | None = None
    prompt_format: str = "plain"
    n_genes: int = 100
    exclude: str | Sequence[str] | None = "housekeeping"
    tasks: Sequence[str] | None = None
    knows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    temperature: float = 1.0
    dual_temperature: float = 1.0
    expression_model: Mapping[str, float] = field(default_factory=dict)
    cautions: Mapping[str, str] = field(default_factory=dict)
    n_parameters: int = 0
    license: str = ""
    note: str = ""

    @property
    def packaged(self) -> bool:
        """Whether its weights are a part of this package."""
        return Path(self.source).is_relative_to(Path(__file__).parent)

    def known(self, task: str, name: str, default: Any = None) -> Any:
        """What the model knows of a task under ``name``, or ``default``."""
        return self.knows.get(task, {}).get(name, default)

    def without(self, task: str, name: str) -> ModelSpec:
        """Copy of the specification that does not know ``name`` of a task."""
        rest = {key: value for key, value in self.knows.get(task, {}).items() if key != name}
        return replace(self, knows={**self.knows, task: rest})

    @cached_property
    def genes(self) -> frozenset[str] | None:
        """Gene symbols in the model's vocabulary; ``None`` if it reads any text."""
        if not PromptFormat(self.prompt_format).gene_tokens:
            return None
        tokenizer = Path(self.vocabulary or self.source) / "tokenizer.json"
        tokens = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
        labels = {label.replace(" ", "_") for known in self.knows.values() for label in _labels(known)}
        return frozenset(token for token in tokens if not token.startswith(("<", "|")) and token not in labels)

    def max_new_tokens(self, n_tokens: int, reasoning_tokens: int | None = None) -> int:
        """Token budget of a completion with this many genes or labels.

        One token each for models with gene tokens; otherwise several each, and some to reason: ``reasoning_tokens``
        where the prompt format invites the model to reason, by default 256.
        """
        if self.genes is not None:
            return n_tokens
        if reasoning_tokens is None or not PromptFormat(self.prompt_format).reasoning:
            reasoning_tokens = _REASONING_TOKENS
        return reasoning_tokens + _TOKENS_PER_NAME * n_tokens

    @cached_property
    def context_length(self) -> int:
        """Most tokens of a prompt with its completion. For a model without a folder 8,192, as in C2S-Scale."""
        file = Path(self.vocabulary or self.source) / "config.json"
        if not file.is_file():
            return _CONTEXT_LENGTH
        config = json.loads(file.read_text(encoding="utf-8"))
        length = config.get("text_config", config).get("max_position_embeddings", _CONTEXT_LENGTH)
        return int(length)

    def genes_per_cell(self, n_cells: int, further: int = 0) -> int:
        """Most genes of each of ``n_cells`` cells with which they fit into one prompt and its completion.

        No more than a prompt of one cell has. The same genes may stand in the prompt, in the completion, or in part in
        both. The tokens of a general model's genes are estimated: 8 each.

        Parameters
        ----------
        n_cells
            Number of cells.
        further
            Tokens of further text, such as of the labels to choose from and of an answer in English.

        Raises
        ------
        ValueError
            Not even one gene a cell fits.

        Examples
        --------
        >>> import sc_duality as sd
        >>> sd.models.ModelSpec("general", "general").genes_per_cell(20)
        44
        >>> sd.models.resolve("embedded").genes_per_cell(30)
        10
        """
        has_tokens = self.genes is not None
        reserved = further + _QUESTION_TOKENS[has_tokens] + (0 if has_tokens else _REASONING_TOKENS)
        each = (self.context_length - reserved) // n_cells - _TOKENS_PER_CELL[has_tokens]
        n_genes = min(self.n_genes, each // (1 if has_tokens else _TOKENS_PER_NAME))
        if n_genes < 1:
            raise ValueError(
                f"{n_cells} cells do not fit into a prompt of the model {self.name!r}, whose context length is "
                f"{self.context_length} tokens: pass a smaller n_cells="
            )
        return n_genes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights and the tokenizer in a folder, or the revision of a hub repository."""
        files = sorted({file for pattern in _HASHED for file in Path(self.source).glob(pattern)})
        if not files:
            return self.revision or "newest"
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode())
            with file.open("rb") as handle:
                while chunk := handle.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()


def _labels(known: Mapping[str, Any]) -> Iterator[str]:
    """All labels in what a model knows of a task."""
    yield from known.get("labels", ())
    for labels in known.get("drugs", {}).values():
        yield from labels
