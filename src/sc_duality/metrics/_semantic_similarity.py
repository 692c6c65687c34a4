"""Similarity of names by what they mean, as a sentence encoder sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import lists_of_names, same_length


def semantic_similarity(
    truth: Sequence[str], predicted: Sequence[str | None], encoder: Callable[[list[str]], ArrayLike]
) -> NDArray[np.float64]:
    """Cosine similarity of the embeddings of true and predicted names, for open-ended answers.

    Parameters
    ----------
    truth
        True names, such as cell types.
    predicted
        Predicted names in the same order; None if there is none.
    encoder
        Function of a list of n texts that returns n vectors, such as :func:`sc_duality.models.sentence_encoder` loads.
        Each text is encoded once.

    Returns
    -------
    One value a pair, from −1 to 1; 0 without a prediction.

    Raises
    ------
    TypeError
        ``encoder`` is not a function, or ``truth`` or ``predicted`` is one text.
    ValueError
        There are no names, their numbers differ, or the encoder does not return one finite vector, other than 0, for
        each text.

    Notes
    -----
    Cell-o1 (Fang et al. 2025), appendix D, counts an answer as correct if the similarity by MedCPT is above 0.8, and
    reports its mean. Similar names may be of different cell types, which this score does not tell.

    Examples
    --------
    >>> import numpy as np
    >>> from sc_duality.metrics import semantic_similarity
    >>> def encoder(texts):
    ...     return np.array([[text.count("T"), text.count("cell"), text.count("B")] for text in texts])
    >>> semantic_similarity(["T cell", "T cell", "B cell"], ["T cell", "B cell", None], encoder).round(2)
    array([1. , 0.5, 0. ])
    """
    if not callable(encoder):
        raise TypeError(
            f"encoder={encoder!r} must be a function of texts: pass sd.models.sentence_encoder('medcpt') or another one"
        )
    lists_of_names([truth, predicted])
    same_length(truth, predicted, "names")
    texts = sorted({*truth, *(name for name in predicted if name is not None)})
    vectors = np.asarray(encoder(texts), dtype=float)
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ValueError(f"the encoder returned the shape {vectors.shape} for {len(texts)} texts: one vector a text")
    norms = np.linalg.norm(vectors, axis=1)
    if not (np.isfinite(norms) & (norms > 0)).all():
        text = texts[int(np.argmin(np.isfinite(norms) & (norms > 0)))]
        raise ValueError(f"the encoder returned a vector of zeros, NaN or infinite values for {text!r}")
    by_text = dict(zip(texts, vectors / norms[:, None], strict=True))
    return np.array(
        [
            0.0 if name is None else np.clip(by_text[true] @ by_text[name], -1, 1)
            for true, name in zip(truth, predicted, strict=True)
        ]
    )
