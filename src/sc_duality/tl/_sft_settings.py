"""The settings of SFT: those of a preset and those passed, checked together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._validation import choice, fraction, positive_integer
from ..train import check_options
from ._training_presets import SFT_PRESETS

#: Options of the trainer that TRL does not have.
_OWN = ("loss_per", "weight_averaging")


class SftSettings(NamedTuple):
    """What decides the course of a run, apart from its texts."""

    epochs: float | Mapping[str, float]
    batch_size: int
    learning_rate: float
    lora: int | Mapping[str, Any] | None
    #: Share of cells of none of the types among the examples of annotation.
    unknown_share: float
    #: Share of the examples that bring their dual.
    dual_share: float
    #: Of the trainer and of ``trl.SFTConfig``.
    options: dict[str, Any]


def sft_settings(options: Mapping[str, Any], *, lora: int | Mapping[str, Any] | None, contrast: float) -> SftSettings:
    """The settings of a run; an option that is passed precedes that of its preset."""
    preset = options.get("preset", "default")
    choice("preset", preset, list(SFT_PRESETS))
    config = {**SFT_PRESETS[preset], **{name: value for name, value in options.items() if name != "preset"}}
    usual_lora = config.pop("lora", None)
    lora = usual_lora if lora is None else lora
    epochs, batch_size, learning_rate = (
        config.pop(name) for name in ("num_train_epochs", "batch_size", "learning_rate")
    )
    unknown_share, dual_share = config.pop("unknown_share", 0.0), config.pop("dual_share", 1.0)
    check_options(config, lora, "SFTConfig", own=_OWN)
    positive_integer("batch_size", batch_size)
    if learning_rate <= 0 or contrast < 0:
        raise ValueError("learning_rate must be positive, contrast must not be negative")
    fraction("unknown_share", unknown_share)
    fraction("dual_share", dual_share, whole=True)
    if contrast and dual_share == 0:
        raise ValueError("contrast= and dual_share=0 cannot be combined: contrast compares duals")
    _check_loss(config, contrast)
    return SftSettings(epochs, batch_size, learning_rate, lora, unknown_share, dual_share, config)


def _check_loss(config: Mapping[str, Any], contrast: float) -> None:
    """Refuse losses that do not exist, and those that cannot be combined."""
    choice("loss_per", config.get("loss_per", "token"), ["token", "text"])
    fraction("weight_averaging", config.get("weight_averaging", 0.0))
    own = "contrast=" if contrast else "loss_per='text'" if config.get("loss_per") == "text" else None
    for name in ("loss_type", "label_smoothing_factor", "padding_free"):
        if own and config.get(name):
            raise ValueError(f"{name}={config[name]!r} and {own} cannot be combined: this loss is not TRL's")
    if config.get("packing") and config.get("loss_per") == "text":
        raise ValueError("packing=True and loss_per='text' cannot be combined: packing joins texts")
    if contrast and config.get("packing"):
        raise ValueError("packing=True and contrast= cannot be combined: contrast compares whole texts")
    if contrast and config.get("completion_only_loss") is False:
        raise ValueError("completion_only_loss=False and contrast= cannot be combined: contrast compares completions")
