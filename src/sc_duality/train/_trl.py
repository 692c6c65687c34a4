"""All that is not public in TRL and that this package leans on, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.version import Version

from ..models import SamplingParams

#: Releases in which the names below are what they are taken for.
OLDEST, BELOW = Version("1.16"), Version("1.17")


def check_trl() -> None:
    """Refuse to train where TRL is missing or of a release that was never tried.

    Raises
    ------
    ImportError
        Says what to install.
    """
    try:
        found = Version(version("trl"))
    except PackageNotFoundError:
        raise ImportError('training needs TRL: pip install "sc-duality[train]"') from None
    if not OLDEST <= found < BELOW:
        wanted = f"trl>={OLDEST},<{BELOW}"
        raise ImportError(f"TRL {found} was never tried with this release: pip install '{wanted}'")


@contextmanager
def live_weights(trainer: Any) -> Iterator[Any]:
    """The policy of a trainer as it is now, whole and without dropout; all processes enter together."""
    import torch
    from trl.models import unwrap_model_for_generation

    with (
        unwrap_model_for_generation(
            trainer.model_wrapped,
            trainer.accelerator,
            gather_deepspeed3_params=getattr(trainer.args, "ds3_gather_for_generation", True),
            gradient_checkpointing_kwargs=trainer.args.gradient_checkpointing_kwargs,
        ) as module,
        torch.no_grad(),
        trainer._dist.summon_full_params(trainer.model_wrapped, recurse=False)
        if hasattr(trainer, "_dist")  # supervised trainers have none
        else nullcontext(),
    ):
        trains = module.training
        module.eval()
        try:
            yield module
        finally:
            module.train(trains)


def writes_with_vllm(trainer: Any) -> bool:
    """Whether this trainer's rollouts come from vLLM."""
    return bool(getattr(trainer, "use_vllm", False))


def rollout_engine(trainer: Any, ids: Sequence[Sequence[int]], sampling: SamplingParams) -> list[list[int]]:
    """Continuations by the vLLM that writes the trainer's rollouts, drawn as ``sampling`` says.

    All processes ask together. Each has to ask for as many as the others, so that those with fewer ask for one token
    more often.
    """
    from accelerate.utils import gather_object

    n = max(gather_object([len(ids)]))
    if n == 0:
        return []
    padded = [list(one) for one in ids] + [[trainer._tokenizer.eos_token_id]] * (n - len(ids))
    engine = trainer.vllm_generation
    how: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "max_completion_length": sampling.max_tokens,
        "logprobs": 0,
        "structured_outputs_regex": None,
        # No seed: all prompts would share it, and a prompt that comes again would get the same continuation.
        "generation_kwargs": {},
    }
    before = {name: getattr(engine, name) for name in how}
    try:
        for name, value in how.items():
            setattr(engine, name, value)
        # One continuation a prompt: a server would take equal prompts for one group.
        return list(engine.generate(prompts=padded, images=None, num_generations=1)[1])[: len(ids)]
    finally:
        for name, value in before.items():
            setattr(engine, name, value)
