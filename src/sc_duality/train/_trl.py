"""The private parts of TRL that this package uses, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.version import Version

from ..models import SamplingParams

#: Releases of TRL that were tested.
OLDEST, BELOW = Version("1.16"), Version("1.17")


def check_trl() -> None:
    """Refuse to train without TRL, or with a release that was not tested.

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
        raise ImportError(f"TRL {found} was not tested with this release: pip install '{wanted}'")


@contextmanager
def live_weights(trainer: Any) -> Iterator[Any]:
    """The policy of a trainer with its current weights, gathered and without dropout; all processes enter together."""
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
        if hasattr(trainer, "_dist")  # SFT trainers do not have it
        else nullcontext(),
    ):
        training = module.training
        module.eval()
        try:
            yield module
        finally:
            module.train(training)


def log_token_accuracy(trainer: Any, right: Any) -> None:
    """Add to the log of an SFT trainer that computes a loss of its own: which tokens were the most probable ones."""
    mode = "train" if trainer.model.training else "eval"
    shares = trainer.accelerator.gather_for_metrics(right.float().mean().detach())
    trainer._metrics[mode]["mean_token_accuracy"].append(shares.mean().item())


def generates_with_vllm(trainer: Any) -> bool:
    """Whether this trainer's rollouts come from vLLM."""
    return bool(getattr(trainer, "use_vllm", False))


def rollout_engine(trainer: Any, ids: Sequence[Sequence[int]], sampling: SamplingParams) -> list[list[int]]:
    """Completions by the vLLM engine of the trainer's rollouts.

    A collective call: every process sends as many prompts as the others. Those with fewer add prompts of one token.
    """
    from accelerate.utils import gather_object

    n = max(gather_object([len(ids)]))
    if n == 0:
        return []
    padded = [list(prompt) for prompt in ids] + [[trainer._tokenizer.eos_token_id]] * (n - len(ids))
    engine = trainer.vllm_generation
    settings: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "max_completion_length": sampling.max_tokens,
        "logprobs": 0,
        "structured_outputs_regex": None,
        # No seed: all prompts would share it, and a repeated prompt would get the same completion.
        "generation_kwargs": {},
    }
    before = {name: getattr(engine, name) for name in settings}
    try:
        for name, value in settings.items():
            setattr(engine, name, value)
        # One completion a prompt: a server would take equal prompts for one group.
        return list(engine.generate(prompts=padded, images=None, num_generations=1)[1])[: len(ids)]
    finally:
        for name, value in before.items():
            setattr(engine, name, value)
