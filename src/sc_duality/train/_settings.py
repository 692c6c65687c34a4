"""What trainers of either kind are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..models import ModelSpec, from_wheel

#: Arguments of trainers that a run decides itself: others would make another run of it, or one that cannot go on.
_DECIDED = {
    *("output_dir", "overwrite_output_dir", "resume_from_checkpoint", "save_strategy", "save_steps", "save_only_model"),
    *("max_steps", "num_train_epochs", "gradient_accumulation_steps", "seed", "data_seed", "ignore_data_skip"),
    *("generation_batch_size", "steps_per_generation", "num_generations", "max_completion_length", "reward_weights"),
    *("max_length", "dataset_kwargs", "remove_unused_columns", "model_init_kwargs", "logging_steps", "disable_tqdm"),
    *("eval_strategy", "eval_steps", "load_best_model_at_end"),
}


def check_options(options: Mapping[str, Any], lora: int | Mapping[str, Any] | None) -> None:
    """Refuse what a run decides itself, and a rank that is none."""
    taken = sorted(_DECIDED & set(options))
    if taken:
        raise TypeError(
            f"{', '.join(taken)} cannot be passed on to the trainer: the run decides this itself, from the arguments "
            "of this function"
        )
    if lora is not None and not isinstance(lora, Mapping) and (isinstance(lora, bool) or lora < 1):
        raise ValueError(f"lora must be a positive rank or the fields of a peft.LoraConfig, got {lora!r}")


def common(checkpoints: Path, *, steps: int, saves: float, seed: int, progress: bool) -> dict[str, Any]:
    """Arguments of :class:`transformers.TrainingArguments` that do not depend on what is learned.

    Parameters
    ----------
    checkpoints
        Folder for them.
    steps
        Updates of the run; −1 where epochs are counted.
    saves
        Updates from checkpoint to checkpoint, or a share of all.
    seed
        Of everything that is drawn.
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
        "bf16": _helps_bfloat16(),
        "gradient_checkpointing": False,
        "disable_tqdm": not progress,
        "remove_unused_columns": False,
        "dataloader_pin_memory": gpu,
        "ddp_find_unused_parameters": False,
        # Kernels of a CPU are made anew for every length that they meet.
        "pad_to_multiple_of": None if gpu else 16,
    }


@contextmanager
def without_denormals() -> Iterator[None]:
    """Take numbers below 1e-38 for 0: squared gradients of rare genes are that small, and slow a CPU down tenfold."""
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def batching(batch_size: int, options: Mapping[str, Any]) -> dict[str, int]:
    """How an update's batch is cut over processes, and over passes where ``options`` ask for smaller ones."""
    from accelerate import PartialState

    processes = PartialState(cpu=not _has_gpu()).num_processes
    each = int(options.get("per_device_train_batch_size", batch_size // processes))
    if each < 1 or batch_size % (each * processes):
        raise ValueError(
            f"batch_size={batch_size} cannot be cut into {processes} processes with batches of "
            f"{max(each, 1)}: pass a multiple of {max(each, 1) * processes}"
        )
    return {"per_device_train_batch_size": each, "gradient_accumulation_steps": batch_size // (each * processes)}


def on_disk(spec: ModelSpec) -> ModelSpec:
    """The model where its weights lie: unpacked, if they came in a package."""
    return from_wheel(spec)


def context_of(spec: ModelSpec) -> int:
    """Tokens that the model reads at most."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(spec.source, revision=spec.revision)
    return int(config.get_text_config().max_position_embeddings)


def model_options(revision: str | None) -> dict[str, Any]:
    """How weights are read: in full precision, whatever they are stored in, and no code comes with them."""
    return {"dtype": "float32", "revision": revision, "use_safetensors": True, "trust_remote_code": False}


def adapter(lora: int | Mapping[str, Any] | None) -> Any:
    """The configuration of a low-rank adapter of this rank, or with these fields; ``None`` trains all weights."""
    if lora is None:
        return None
    from peft import LoraConfig

    given = {"r": lora, "lora_alpha": 2 * lora} if isinstance(lora, int) else dict(lora)
    return LoraConfig(**{"task_type": "CAUSAL_LM", "target_modules": "all-linear", **given})


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _helps_bfloat16() -> bool:
    """Whether matrix products in bfloat16 are faster here; sums and weights stay in float32 either way."""
    import torch

    from ..models.engines import multiplies_bfloat16

    return multiplies_bfloat16(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
