"""Rollouts of TRL by vLLM without CUDA: how the weights of the policy reach vLLM.

TRL copies a policy's weights into vLLM's tensors, which vLLM's CPU kernels have packed, or broadcasts them to a server
over NCCL. Here vLLM reloads the weights by itself in both cases. An output layer that shares the weights of the
embedding is not updated, since vLLM keeps a packed copy of it.
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

#: Environment of vLLM. Workers in this process are not bound to cores, since the trainer uses the same ones.
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}


class Calls(list[tuple[int, list[list[int]], list[list[int]]]]):
    """All calls of vLLM: completions a prompt, the prompts, and the completions."""

    def rollouts(self) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
        """Calls of rollouts, which generate groups of completions."""
        return ((prompts, texts) for n, prompts, texts in self if n > 1)

    def duals(self) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
        """Calls of dual tasks."""
        return ((prompts, texts) for n, prompts, texts in self if n == 1)


@contextmanager
def weights_reach_vllm(folder: Path) -> Iterator[Calls]:
    """Context in which the weights of a policy on the CPU reach its vLLM, and calls are recorded.

    Parameters
    ----------
    folder
        Folder from which a server reads them.
    """
    import numba  # noqa: F401
    from trl.generation.vllm_client import VLLMClient
    from trl.generation.vllm_generation import VLLMGeneration
    from vllm import LLM

    calls, original = Calls(), VLLMGeneration.generate

    def generate(self: Any, prompts: Any, images: Any, num_generations: int, profiler: Any = None) -> Any:
        found = original(self, prompts, images, num_generations, profiler)
        calls.append((num_generations, [*prompts], [list(ids) for ids in found[1]]))
        return found

    def sync(self: Any) -> None:
        if self.mode == "colocate":
            runner = self.llm.llm_engine.model_executor.driver_worker.model_runner
            runner.reload_weights(weights_iterator=self._iter_named_params())
            self.llm.reset_prefix_cache()
            return
        save_file({name: one.detach().clone() for name, one in self._iter_named_params()}, folder / "model.safetensors")
        self.model.config.save_pretrained(folder)
        call = {"method": "reload_weights", "kwargs": {"weights_path": str(folder)}}
        self.vllm_client._post(f"{self.vllm_client.base_url}/collective_rpc", json=call)
        self.vllm_client.reset_prefix_cache()

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
            patch.setenv(name, "")  # TRL sets these; the patch restores them
            patch.delenv(name)
        # vLLM inspects every module for its kernels and fails at an object of numba's without a real __dict__.
        patch.delitem(sys.modules, "llvmlite.binding.ffi")
        # Compilation would take a minute; float32 gives the numbers of the trainer.
        patch.setattr("trl.generation.vllm_generation.LLM", partial(LLM, enforce_eager=True, dtype="float32"))
        patch.setattr(VLLMGeneration, "generate", generate)
        patch.setattr(VLLMGeneration, "sync_weights", sync)
        patch.setattr(VLLMClient, "init_communicator", lambda *_, **__: None)
        yield calls
