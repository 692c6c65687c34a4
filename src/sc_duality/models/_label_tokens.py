"""New tokens of models with one token a gene: for labels, and for what a prompt format writes in angle brackets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import Annotation, PromptFormat
from ._spec import ModelSpec

_TOKENIZER = "tokenizer.json"


def label_tokens(spec: ModelSpec, labels: Sequence[str]) -> dict[str, str]:
    """The token of each new label as the prompt format writes it, or an error where it cannot be one.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.models import label_tokens
    >>> label_tokens(sd.models.resolve("embedded"), ["Kupffer cell"])
    {'Kupffer cell': 'Kupffer_cell'}
    """
    template = PromptFormat(spec.prompt_format).template(Annotation.name, None)
    content = json.loads((Path(spec.source) / _TOKENIZER).read_text(encoding="utf-8"))["model"]
    if labels and content["type"] != "WordLevel":
        raise ValueError(f"the tokenizer of {spec.name!r} is not at word level: it cannot get tokens for {labels}")
    found = {label: template.render("label", label) for label in labels}
    for label, token in found.items():
        if token in content["vocab"] or token.startswith("<") or len(token.split()) != 1:
            raise ValueError(
                f"the label {label!r} would be the token {token!r}, which the model {spec.name!r} has for a gene or "
                "cannot have: rename the label"
            )
    return found


def format_tokens(spec: ModelSpec, texts: Iterable[str]) -> list[str]:
    """Tokens of the prompt format in these texts that the model lacks, such as those of a new task or perturbation.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.models import format_tokens
    >>> format_tokens(sd.models.resolve("embedded"), ["<change> <cytokine> <IL6> <cell> CD79A"])
    ['<change>', '<IL6>']
    """
    if spec.genes is None:
        return []
    content = json.loads((Path(spec.source) / _TOKENIZER).read_text(encoding="utf-8"))["model"]
    tokens = dict.fromkeys(token for text in texts for token in text.split() if token.startswith(("<", "|")))
    return [token for token in tokens if token not in content["vocab"]] if content["type"] == "WordLevel" else []


def add_tokens(
    folder: Path, tokens: Sequence[str], shares: NDArray[np.float64] | None = None, like: Sequence[str] = ()
) -> None:
    """Add tokens to the tokenizer and the weights of the model in ``folder``.

    Parameters
    ----------
    folder
        The model.
    tokens
        The new tokens.
    shares
        Weight of each token of ``like`` in the embedding of each new token, (n_tokens, n_like). By default embeddings
        are sampled with the mean and the spread of those that are there.
    like
        Tokens of the model.

    Examples
    --------
    >>> import sc_duality as sd, tempfile
    >>> from pathlib import Path
    >>> spec, like = sd.models.resolve("embedded"), ["pancreatic_acinar_cell", "pancreatic_ductal_cell"]
    >>> with tempfile.TemporaryDirectory() as name:
    ...     sd.models.copy_model(spec, Path(name))
    ...     sd.models.add_tokens(Path(name), ["hepatocyte"], np.array([[0.9, 0.1]]), like)
    ...     '"hepatocyte"' in (Path(name) / "tokenizer.json").read_text()
    True
    """
    import torch
    from transformers import AutoModelForCausalLM

    from .engines.transformers._loading_bar import loading_bar

    file = folder / _TOKENIZER
    content = json.loads(file.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = content["model"]["vocab"]
    first = max(vocabulary.values()) + 1
    vocabulary |= {token: first + i for i, token in enumerate(tokens)}
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    with loading_bar(shown=False):
        model: Any = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto")
    if first + len(tokens) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(first + len(tokens), mean_resizing=False)
    rows = [vocabulary[token] for token in like]
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            table = layer.weight
            if shares is None:
                present = table[:first].float()
                noise = torch.randn(len(tokens), table.shape[1], generator=torch.Generator().manual_seed(first))
                new = present.mean(0) + present.std(0) * noise
            else:
                new = torch.tensor(shares, dtype=torch.float32) @ table[rows].float()
            table[first : first + len(tokens)] = new.to(table.dtype)
    with loading_bar(shown=False):
        model.save_pretrained(folder)


def with_labels(spec: ModelSpec, new: Sequence[str]) -> ModelSpec:
    """The specification with labels that the language model has tokens for.

    Examples
    --------
    >>> import sc_duality as sd
    >>> spec = sd.models.with_labels(sd.models.resolve("embedded"), ["hepatocyte"])
    >>> spec.known("annotation", "labels")[-1], spec.known("annotation", "coarse")["hepatocyte"]
    ('hepatocyte', 'hepatocyte')
    """
    annotation = dict(spec.knows.get(Annotation.name, {}))
    annotation["labels"] = [*annotation.get("labels", ()), *new]
    rest = [label for label in annotation.pop("reference_labels", ()) if label not in new]
    if rest:
        annotation["reference_labels"] = rest
    if "coarse" in annotation:
        annotation["coarse"] = {**{label: label for label in new}, **annotation["coarse"]}
    return replace(spec, knows={**spec.knows, Annotation.name: annotation})


def with_none_of_these(spec: ModelSpec, answer: str) -> ModelSpec:
    """The specification with an answer for cells of none of the labels; one that has it keeps its own.

    Examples
    --------
    >>> import sc_duality as sd
    >>> spec = sd.models.with_none_of_these(sd.models.resolve("embedded"), "<none>")
    >>> spec.known("annotation", "none_of_these")
    '<unknown>'
    """
    annotation = {"none_of_these": answer, **spec.knows.get(Annotation.name, {})}
    return replace(spec, knows={**spec.knows, Annotation.name: annotation})
