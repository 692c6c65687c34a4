"""What TRL lacks to write rollouts with vLLM where there is no CUDA: a way for the weights.

TRL copies a policy's weights into vLLM's tensors, which vLLM's kernels for processors have packed, or broadcasts them
to a server over NCCL. vLLM can read weights anew by itself, and that is used here in both cases. An output layer that
shares the weights of the embedding stays as it was, since it keeps a packed copy of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

#: What vLLM reads when it starts. Workers in this process are not to be bound to processors, which are also the
#: trainer's.
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}


class Asked(list[tuple[int, list[list[int]], list[list[int]]]]):
    """All calls of vLLM: continuations a prompt, the prompts, what was written."""

    def rollouts(self) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
        """Calls for answers, which come in groups."""
        return ((prompts, texts) for n, prompts, texts in self if n > 1)

    def duals(self) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
        """Calls for what the dual writes."""
        return ((prompts, texts) for n, prompts, texts in self if n == 1)


@contextmanager
def weights_reach_vllm(shelf: Path) -> Iterator[Asked]:
    """Where the weights of a policy on the CPU reach its vLLM, and calls are written down.

    Parameters
    ----------
    shelf
        A folder through which a server gets them.
    """
    import numba  # noqa: F401
    from trl.generation.vllm_client import VLLMClient
    from trl.generation.vllm_generation import VLLMGeneration
    from vllm import LLM

    asked, write = Asked(), VLLMGeneration.generate

    def generate(self: Any, prompts: Any, images: Any, num_generations: int, profiler: Any = None) -> Any:
        found = write(self, prompts, images, num_generations, profiler)
        asked.append((num_generations, [*prompts], [list(ids) for ids in found[1]]))
        return found

    def sync(self: Any) -> None:
        if self.mode == "colocate":
            runner = self.llm.llm_engine.model_executor.driver_worker.model_runner
            runner.reload_weights(weights_iterator=self._iter_named_params())
            self.llm.reset_prefix_cache()
            return
        save_file({name: one.detach().clone() for name, one in self._iter_named_params()}, shelf / "model.safetensors")
        self.model.config.save_pretrained(shelf)
        call = {"method": "reload_weights", "kwargs": {"weights_path": str(shelf)}}
        self.vllm_client._post(f"{self.vllm_client.base_url}/collective_rpc", json=call)
        self.vllm_client.reset_prefix_cache()

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
            patch.setenv(name, "")  # TRL sets these: afterwards they are as they were
            patch.delenv(name)
        # vLLM looks into every module for its kernels and stumbles over an object of numba's that has no true __dict__.
        patch.delitem(sys.modules, "llvmlite.binding.ffi")
        # Nothing is compiled, which takes a minute, and numbers are those of the trainer.
        patch.setattr("trl.generation.vllm_generation.LLM", partial(LLM, enforce_eager=True, dtype="float32"))
        patch.setattr(VLLMGeneration, "generate", generate)
        patch.setattr(VLLMGeneration, "sync_weights", sync)
        patch.setattr(VLLMClient, "init_communicator", lambda *_, **__: None)
        yield asked
