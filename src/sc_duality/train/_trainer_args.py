"""Arguments of TRL's trainers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any

from ..models import ModelSpec

#: Arguments that follow from those of the tools: others would break resuming.
_DECIDED = {
    *("output_dir", "overwrite_output_dir", "resume_from_checkpoint", "save_strategy", "save_steps", "save_only_model"),
    *("max_steps", "num_train_epochs", "gradient_accumulation_steps", "seed", "data_seed", "ignore_data_skip"),
    *("generation_batch_size", "steps_per_generation", "num_generations", "max_completion_length", "reward_weights"),
    *("max_length", "dataset_kwargs", "remove_unused_columns", "model_init_kwargs", "logging_steps", "disable_tqdm"),
    *("eval_strategy", "eval_steps", "load_best_model_at_end"),
}

#: Options of the tools that are taken before TRL gets the rest.
_OWN = {"batch_size", "learning_rate", "num_train_epochs", "num_generations", "generation_batch_size", "max_steps"}


def check_options(
    options: Mapping[str, Any], lora: int | Mapping[str, Any] | None, config: str, own: Sequence[str] = ()
) -> None:
    """Refuse options that follow from other arguments, or that neither TRL's ``config`` nor ``own`` has."""
    decided = sorted(_DECIDED & set(options))
    if decided:
        raise TypeError(f"{', '.join(decided)} cannot be passed on to TRL: this follows from the other arguments")
    is_rank = isinstance(lora, Integral) and not isinstance(lora, bool) and lora >= 1
    if lora is not None and not isinstance(lora, Mapping) and not is_rank:
        raise ValueError(f"lora must be a positive rank or the fields of a peft.LoraConfig, got {lora!r}")
    if not options or find_spec("trl") is None:
        return
    import trl

    known = {field.name for field in fields(getattr(trl, config))} | set(own)
    for name in options:
        if name not in known:
            near = get_close_matches(name, sorted(known | _OWN), n=1, cutoff=0)
            raise TypeError(
                f"{name!r} is not an argument of this function or of trl.{config}; the nearest is {near[0]!r}"
            )


def common(checkpoints: Path, *, steps: int, saves: float, seed: int, progress: bool) -> dict[str, Any]:
    """Arguments of :class:`transformers.TrainingArguments` that SFT and GRPO share.

    Parameters
    ----------
    checkpoints
        Folder for them.
    steps
        Updates of the run; −1 to count epochs.
    saves
        Updates between checkpoints, or a fraction of all.
    seed
        Random seed.
    progress
        Whether to show a bar.
    """
    gpu = _has_gpu()
    return {
        "output_dir": str(checkpoints),
        "max_steps": steps,
        "save_strategy": "steps",
        "save_steps": saves,
        "save_total_limit": 2,
        "logging_steps": 1,
        "report_to": [],
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not gpu,
        "bf16": _use_bfloat16(),
        "gradient_checkpointing": False,
        "disable_tqdm": not progress,
        "remove_unused_columns": False,
        "dataloader_pin_memory": gpu,
        "ddp_find_unused_parameters": False,
        # A CPU compiles kernels anew for every length.
        "pad_to_multiple_of": None if gpu else 16,
    }


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Round numbers below 1e-38 to 0: squared gradients of rare genes are that small and slow a CPU down tenfold."""
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def batching(batch_size: int, options: Mapping[str, Any]) -> dict[str, int]:
    """How the batch of an update is split over processes and forward passes."""
    from accelerate import PartialState

    processes = PartialState(cpu=not _has_gpu()).num_processes
    each = int(options.get("per_device_train_batch_size", batch_size // processes))
    if each < 1 or batch_size % (each * processes):
        raise ValueError(
            f"batch_size={batch_size} cannot be split over {processes} processes with batches of "
            f"{max(each, 1)}: pass a multiple of {max(each, 1) * processes}"
        )
    return {"per_device_train_batch_size": each, "gradient_accumulation_steps": batch_size // (each * processes)}


def context_length(spec: ModelSpec) -> int:
    """Most tokens that the model reads."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(spec.source, revision=spec.revision)
    return int(config.get_text_config().max_position_embeddings)


def model_options(revision: str | None) -> dict[str, Any]:
    """Load weights in full precision and without remote code."""
    return {"dtype": "float32", "revision": revision, "use_safetensors": True, "trust_remote_code": False}


def adapter(lora: int | Mapping[str, Any] | None) -> Any:
    """The LoRA configuration of this rank, or with these fields; ``None`` trains all weights."""
    if lora is None:
        return None
    from peft import LoraConfig

    fields = dict(lora) if isinstance(lora, Mapping) else {"r": int(lora), "lora_alpha": 2 * int(lora)}
    return LoraConfig(**{"task_type": "CAUSAL_LM", "target_modules": "all-linear", **fields})


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _use_bfloat16() -> bool:
    """Whether matrix products in bfloat16 are faster here; sums and weights stay in float32."""
    import torch

    from ..models.engines import multiplies_bfloat16

    return multiplies_bfloat16(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
