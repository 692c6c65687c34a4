"""Refuse arguments of label tools that contradict each other, or that the model cannot answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from .._validation import choice
from ..cells import check_column, check_columns
from ..examples import LabelExamples
from ..models import Sampling

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

Method = Literal["score", "generate", "choose"]


def check_label_arguments(
    adata: AnnData | MuData,
    mod: str,
    method: str,
    groupby: str | Sequence[str] | None,
    unknown: float | None,
    sampling: Sampling,
    *,
    unique: bool | str = False,
    several: bool = False,
) -> None:
    """Refuse arguments of a label tool that contradict each other; ``groupby`` may name ``several`` columns."""
    choice("method", method, ("score", "generate", "choose"))
    if several and groupby is not None and not isinstance(groupby, str):
        check_columns(adata, groupby, "groupby", mod)
    elif groupby is not None:
        check_column(adata, groupby, "groupby", mod)
    if not isinstance(unique, bool):
        check_column(adata, unique, "unique", mod)
    if unique and method == "choose":
        raise ValueError(
            "unique= with method='choose' would list every order of the labels: pass method='generate' or 'score'"
        )
    if unique and method == "score" and sampling.n_samples > 1:
        raise ValueError(f"n_samples={sampling.n_samples} with unique= are votes, and method='score' has none")
    if unknown is not None and not 0 <= unknown <= 1:
        raise ValueError(f"unknown={unknown} must be a probability between 0 and 1")
    if unknown is not None and method != "score" and groupby is None and not unique:
        raise ValueError(f"unknown={unknown} needs a confidence, which method={method!r} has with groupby= only")
    if sampling.n_samples > 1 and groupby is not None and method == "score":
        raise ValueError(
            f"n_samples={sampling.n_samples} with groupby= are votes on generated labels, and method='score' has none: "
            "pass method='generate' or 'choose'"
        )
    if sampling.n_samples > 1 and method != "score" and not sampling.temperature:
        raise ValueError(
            f"n_samples={sampling.n_samples} at temperature 0 gives {sampling.n_samples} equal samples: pass "
            "sd.Sampling(temperature=1.0, ...)"
        )


def check_model_options(examples: LabelExamples, method: str, sampling: Sampling) -> None:
    """Refuse labels without tokens where the language model has to write or to explain them."""
    without = [option for option in examples.options if option in examples.reference_labels]
    if without and method != "score":
        raise ValueError(
            f"method={method!r} cannot write {without}, which the reference classifier alone knows: pass labels= "
            "without them, or method='score'"
        )
    if without and sampling.n_samples > 1:
        raise ValueError(
            f"n_samples={sampling.n_samples} selects labels by duality, and nothing can be reconstructed from "
            f"{without}, which the reference classifier alone knows: pass labels= without them, or n_samples=1"
        )
