"""The engine that runs everywhere: Hugging Face transformers on a CPU, on MPS or on one GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from copy import copy
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaForCausalLM

from ...._settings import settings
from ..._sampling import SamplingParams
from ..._spec import ModelSpec
from .._answer_values import Finished
from .._engine import Engine
from .._hardware import chosen_device, multiplies_bfloat16
from .._hub import explain_download_errors, source_options
from .._token_tree import branches
from .._tokens import NewTokens, Tokens
from ._batches import Batch, batches
from ._choice_scoring import score_answers, score_choices, split_choices
from ._loading_bar import loading_bar
from ._openmp import one_level
from ._parallel import computed
from ._required_token import RequiredToken
from ._seeded_sampler import SeededSampler
from ._unique_tokens import UniqueTokens

#: Prompts are padded to a multiple of this number of tokens where padding does not change the result.
_PADDING_STEP = 16
#: Completions generated together where batches are filled. More would hardly be faster per completion.
_GENERATION_ROWS = 64
#: Prompts in English differ in length. Padded in front to a multiple of this, similar ones are answered together.
_ENGLISH_STEP = 64


class TransformersModel(Engine):
    """A causal language model that transformers can load.

    Prompts of similar length share a batch. On a CPU the shape of a batch depends only on the length of each of its
    prompts, so that the answer to a prompt does not depend on other prompts, to the last bit. On a GPU it is the same
    up to rounding.

    Parameters
    ----------
    spec
        The model, from :func:`sc_duality.models.resolve`.
    device
        ``"cpu"``, ``"cuda"``, ``"mps"`` or any device of torch; ``"auto"`` takes a GPU if there is one.
    dtype
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; ``"auto"`` takes bfloat16 where the hardware
        multiplies it (GPUs, and CPUs with AMX or AVX-512 BF16), else float32. Log-likelihoods of the two
        differ by up to 0.1.
    trust_remote_code
        Whether code from the model's repository may run. Only if you have read it.
    batch_tokens
        Tokens per batch: by default 2,048 on a CPU, where a gene model scores one batch on each core, and 32,768
        elsewhere. Fewer need less memory. On a CPU, at most 64 completions are generated at once.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> prompts = ["<annotate> <cell> CD79A MS4A1 CD37 CD74 <type>"]
    >>> scores = model.score(prompts, ["B_cell", "natural_killer_cell"])
    >>> bool(scores[0, 0] > scores[0, 1])
    True
    """

    name: ClassVar[str] = "transformers"
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(
        self,
        spec: ModelSpec,
        *,
        device: str = "auto",
        dtype: str = "auto",
        trust_remote_code: bool = False,
        batch_tokens: int | None = None,
    ) -> None:
        super().__init__(spec)
        self._tokens = Tokens(spec, trust_remote_code=trust_remote_code)
        with explain_download_errors(spec), loading_bar(shown=settings.progress and not spec.packaged):
            model: Any = AutoModelForCausalLM.from_pretrained(
                spec.source,
                **source_options(spec),
                use_safetensors=True,
                dtype=torch.float32 if dtype == "auto" else dtype,
                trust_remote_code=trust_remote_code,
            )
        self.model: Any = model.to(chosen_device(device)).eval()
        if dtype == "auto" and multiplies_bfloat16(self.model.device):
            self.model = self.model.to(torch.bfloat16)
        self._prepare(batch_tokens)

    def _prepare(self, batch_tokens: int | None) -> None:
        """Set what depends on the model and its tokenizer."""
        self.batch_tokens = batch_tokens or (2048 if self.model.device.type == "cpu" else 32768)
        self._pad: int = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else 0
        # A model's folder may set sampling options; only SamplingParams counts here.
        end = self.model.generation_config.eos_token_id
        self._generation = GenerationConfig(pad_token_id=self._pad, eos_token_id=end, do_sample=False)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of transformers."""
        return self._tokens.tokenizer

    def n_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text."""
        return self._tokens.counts(texts)

    @property
    def _limit(self) -> int:
        """Context length of the model."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    @property
    def dtype(self) -> str:
        """Data type of the weights in use."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def _fills(self) -> bool:
        """Whether batches are filled, so that a prompt gets the same answer in any batch."""
        return bool(self.model.device.type == "cpu")

    @property
    def _is_small(self) -> bool:
        """Whether products are too small for several cores; of other models, threads might share state."""
        return self._fills and self.spec.genes is not None and type(self.model) is LlamaForCausalLM

    @cached_property
    def fingerprint(self) -> str:
        """Commit of the hub repository, or hash of the folder."""
        return getattr(self.model.config, "_commit_hash", None) or self.spec.fingerprint

    def _generate(self, prompts: Sequence[str], sampling: SamplingParams, seeds: Sequence[int]) -> Iterator[Finished]:
        choices = self._tokens.answers(sampling.choices)
        # The last token after a choice is the end of text.
        max_new_tokens = max(map(len, choices), default=sampling.max_tokens - 1) + 1
        config = copy(self._generation)
        config.max_new_tokens = max_new_tokens
        ids, limit = self._encode(prompts, max_new_tokens), self._limit - max_new_tokens
        step = _ENGLISH_STEP if self.spec.genes is None else 1
        for batch in self._batches(ids, step, limit=limit, rows=_GENERATION_ROWS, in_front=True):
            length = batch.ids.shape[1]
            positions = torch.arange(length, device=batch.ids.device)
            options: dict[str, Any] = {}
            processors: list[Any] = [UniqueTokens(length)] if sampling.unique else []
            if sampling.contains is not None:
                ends = self._generation.eos_token_id
                processors.append(
                    RequiredToken(self.tokenizer, sampling.contains, ends, length, latest=max_new_tokens // 2)
                )
            if sampling.temperature > 0:
                # Rows that only fill the batch repeat the first prompt.
                row_seeds = [seeds[i] for i in batch.members]
                row_seeds += row_seeds[:1] * (len(batch.ids) - len(row_seeds))
                sampler = SeededSampler(
                    row_seeds, length, max_new_tokens, temperature=sampling.temperature, top_p=sampling.top_p
                )
                processors.append(sampler)
            if processors:
                options["logits_processor"] = processors
            if choices:
                options["prefix_allowed_tokens_fn"] = self._allow_only(choices, length)
            with torch.inference_mode():
                out = self.model.generate(
                    input_ids=batch.ids,
                    attention_mask=(positions >= length - batch.lengths[:, None]).to(batch.ids.dtype),
                    generation_config=config,
                    **options,
                )
            new = out[: len(batch.members), length:]
            texts = self.tokenizer.batch_decode(new, skip_special_tokens=True)
            yield list(zip(batch.members, texts, strict=True))

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        """Read every prompt once, whatever the number of choices."""
        tails = self._tokens.answers(choices)
        longest = max(map(len, tails))
        split = split_choices(tails)
        step = 1 if longest > 1 else _PADDING_STEP  # later tokens of a choice would attend to padding
        ids = [[*prompt, *split.shared] for prompt in self._encode(prompts, longest)]
        compute = partial(score_choices, self.model, choices=split, pad=self._pad)
        for batch, scores in computed(self._batches(ids, step), compute, parallel=self._is_small and longest == 1):
            yield list(zip(batch.members, scores.numpy(), strict=False))

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(answers)
        lengths = np.array([len(tail) for tail in tails])
        heads = self._encode(prompts, lengths.tolist())
        longest = -(-lengths // _PADDING_STEP) * _PADDING_STEP  # answers of similar length share a batch
        for kept in np.unique(longest):
            indices = np.flatnonzero(longest == kept).tolist()
            compute = partial(score_answers, self.model, lengths=lengths[indices], longest=int(kept))
            found = self._batches([[*heads[i], *tails[i]] for i in indices], _PADDING_STEP)
            for batch, scores in computed(found, compute, parallel=self._is_small):
                yield list(zip([indices[i] for i in batch.members], scores.tolist(), strict=False))

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        for batch in self._batches(self._encode(prompts, 0), _PADDING_STEP):
            with torch.inference_mode():
                hidden = self.model.base_model(input_ids=batch.ids).last_hidden_state.float()
            ends = batch.lengths[:, None]
            padding = torch.arange(hidden.shape[1], device=ends.device) >= ends
            mean = hidden.masked_fill(padding[..., None], 0).sum(1) / ends
            yield list(zip(batch.members, mean.cpu().numpy(), strict=False))

    def _allow_only(self, choices: Sequence[Sequence[int]], length: int) -> Any:
        """The function by which ``generate`` restricts a completion to one of these choices."""
        end = self._generation.eos_token_id
        ends = list(end) if isinstance(end, list | tuple) else [end]
        allowed = branches([[*choice, ends[0]] for choice in choices])
        return lambda _, ids: allowed.get(tuple(ids[length:].tolist()), ends[:1])

    def _encode(self, prompts: Sequence[str], max_new_tokens: NewTokens) -> list[list[int]]:
        """Token ids of every prompt; an error where a prompt and its answer exceed the context length."""
        ids = self._tokens.prompts(prompts)
        self._tokens.check_context_length(ids, max_new_tokens, self._limit)
        return ids

    def _batches(
        self,
        ids: list[list[int]],
        step: int = 1,
        *,
        limit: int | None = None,
        rows: int | None = None,
        in_front: bool = False,
    ) -> Iterator[Batch]:
        """Batches of prompts of similar length; where they are filled, without nested OpenMP regions."""
        with one_level() if self._fills else nullcontext():
            yield from batches(
                ids,
                tokens=self.batch_tokens,
                device=self.model.device,
                fill=self._fills,
                step=step,
                limit=self._limit if limit is None else limit,
                rows=rows if self._fills else None,
                in_front=in_front,
            )
