"""The engine that runs everywhere: Hugging Face transformers on a CPU, on MPS or on one GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.utils import logging as transformers_logging

from .._settings import settings
from ._batches import Batch, batches
from ._drawing import Draw
from ._engine import Engine, Finished
from ._openmp import one_level
from ._protocol import Sampling
from ._scoring import score_answers, score_choices, split
from ._spec import ModelSpec
from ._tokens import Tokens, saying_what_to_fetch
from ._trie import branches

#: Prompts are padded to a multiple of so many tokens where only what stands before the padding is looked at.
_STEP = 16
#: Texts written together where batches are filled up. More would hardly be faster each, and fewer texts take as long.
_WRITING = 64


class TransformersModel(Engine):
    """A causal language model that transformers can load.

    Prompts of like length are answered together. On a CPU the shape of a batch follows from the length of each of
    its prompts alone, so that a prompt gets the same answer, to the last bit, whatever else is asked; on a GPU
    it is the same up to rounding.

    Parameters
    ----------
    spec
        Which model, from :func:`sc_duality.models.resolve`.
    device
        Where to run, such as ``"cpu"``, ``"cuda"`` or ``"mps"``; ``"auto"`` takes a GPU if there is one.
    dtype
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; ``"auto"`` takes bfloat16 where the hardware
        multiplies it (GPUs, and CPUs with AMX or AVX-512 BF16), else float32. Log-likelihoods of the two
        differ by up to 0.1.
    trust_remote_code
        Whether code from the model's repository may run. Only if you have read it.
    batch_tokens
        Tokens that are read at once: by default 2,048 on a CPU, which keeps it busy, and 32,768
        elsewhere. Less needs less memory. On a CPU, at most 64 texts are written at once.

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
        with saying_what_to_fetch(spec), _loading_bar(shown=settings.progress and spec.name != "embedded"):
            model: Any = AutoModelForCausalLM.from_pretrained(
                spec.source,
                revision=spec.revision,
                use_safetensors=True,
                dtype=torch.float32 if dtype == "auto" else dtype,
                trust_remote_code=trust_remote_code,
            )
        self.model: Any = model.to(_device(device)).eval()
        if dtype == "auto" and multiplies_bfloat16(self.model.device):
            self.model = self.model.to(torch.bfloat16)
        self._prepare(batch_tokens)

    def _prepare(self, batch_tokens: int | None) -> None:
        """What follows from the model and its tokenizer."""
        self.batch_tokens = batch_tokens or (2048 if self.model.device.type == "cpu" else 32768)
        self._pad: int = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else 0
        # A model's folder may ask for random draws; how text is drawn is decided by Sampling alone.
        end = self.model.generation_config.eos_token_id
        self._writing = GenerationConfig(pad_token_id=self._pad, eos_token_id=end, do_sample=False)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of transformers."""
        return self._tokens.tokenizer

    @property
    def _limit(self) -> int:
        """The most tokens that the model reads."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    @property
    def dtype(self) -> str:
        """Type of the weights as they are used."""
        return str(self.model.dtype).removeprefix("torch.")

    @cached_property
    def fingerprint(self) -> str:
        """The commit that was loaded from the hub, or a hash of the folder."""
        return getattr(self.model.config, "_commit_hash", None) or self.spec.fingerprint

    def _generate(self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[int]) -> Iterator[Finished]:
        choices = self._tokens.answers(sampling.choices)
        room = max(map(len, choices), default=sampling.max_tokens - 1) + 1  # the last token of a choice is the end
        writing = copy(self._writing)
        writing.max_new_tokens = room
        for batch in self._batches(self._encode(prompts, room), rows=_WRITING):
            length = batch.ids.shape[1]
            how: dict[str, Any] = {}
            if sampling.temperature > 0:
                # Rows that only fill the batch repeat the first one.
                rows = [seeds[i] for i in batch.members]
                rows += rows[:1] * (len(batch.ids) - len(rows))
                drawing = {"temperature": sampling.temperature, "top_p": sampling.top_p}
                how["logits_processor"] = [Draw(rows, length, room, **drawing)]
            if choices:
                how["prefix_allowed_tokens_fn"] = self._one_of(choices, length)
            with torch.inference_mode():
                out = self.model.generate(
                    input_ids=batch.ids,
                    attention_mask=torch.ones_like(batch.ids),
                    generation_config=writing,
                    **how,
                )
            new = out[: len(batch.members), length:]
            texts = self.tokenizer.batch_decode(new, skip_special_tokens=True)
            yield list(zip(batch.members, texts, strict=True))

    def _score(self, prompts: Sequence[str], choices: Sequence[str]) -> Iterator[Finished]:
        """Every prompt is read once."""
        tails = self._tokens.answers(choices)
        parted = split(tails)
        step = 1 if max(map(len, tails)) > 1 else _STEP  # what follows padding would look at it
        ids = [[*prompt, *parted.shared] for prompt in self._encode(prompts, room=max(map(len, tails)))]
        for batch in self._batches(ids, step):
            found = score_choices(self.model, batch, parted, self._pad)
            yield list(zip(batch.members, found.numpy(), strict=False))

    def _likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> Iterator[Finished]:
        tails = self._tokens.answers(answers)
        lengths = np.array([len(tail) for tail in tails])
        heads = self._encode(prompts, room=int(lengths.max()))
        for length in np.unique(lengths):
            same = np.flatnonzero(lengths == length).tolist()
            for batch in self._batches([[*heads[i], *tails[i]] for i in same], _STEP):
                found = score_answers(self.model, batch, int(length))
                yield list(zip((same[i] for i in batch.members), found.tolist(), strict=False))

    def _embed(self, prompts: Sequence[str]) -> Iterator[Finished]:
        for batch in self._batches(self._encode(prompts, room=0), _STEP):
            with torch.inference_mode():
                hidden = self.model.base_model(input_ids=batch.ids).last_hidden_state.float()
            ends = batch.lengths[:, None]
            padding = torch.arange(hidden.shape[1], device=ends.device) >= ends
            mean = hidden.masked_fill(padding[..., None], 0).sum(1) / ends
            yield list(zip(batch.members, mean.cpu().numpy(), strict=False))

    def _one_of(self, choices: Sequence[Sequence[int]], length: int) -> Any:
        """What ``generate`` calls to learn which tokens may come next, if the text is to be one of these."""
        end = self._writing.eos_token_id
        ends = list(end) if isinstance(end, list | tuple) else [end]
        allowed = branches([[*choice, ends[0]] for choice in choices])
        return lambda _, ids: allowed.get(tuple(ids[length:].tolist()), ends[:1])

    def _encode(self, prompts: Sequence[str], room: int) -> list[list[int]]:
        """Token ids of every prompt, or an error where one leaves no room for its answer."""
        ids = self._tokens.prompts(prompts)
        self._tokens.check_room(ids, room, self._limit)
        return ids

    def _batches(self, ids: list[list[int]], step: int = 1, rows: int | None = None) -> Iterator[Batch]:
        """Batches of prompts of like length; on a CPU, nothing that is done with one starts threads in threads."""
        device = self.model.device
        fill = device.type == "cpu"
        with one_level() if fill else nullcontext():
            yield from batches(
                ids,
                tokens=self.batch_tokens,
                device=device,
                fill=fill,
                step=step,
                limit=self._limit,
                rows=rows if fill else None,
            )


@contextmanager
def _loading_bar(*, shown: bool) -> Iterator[None]:
    """Show or hide the progress bar of transformers, and leave its setting as it was."""
    before = transformers_logging.is_progress_bar_enabled()
    (transformers_logging.enable_progress_bar if shown else transformers_logging.disable_progress_bar)()
    try:
        yield
    finally:
        (transformers_logging.enable_progress_bar if before else transformers_logging.disable_progress_bar)()


def _device(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware does."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    cpu = torch.cpu
    return device.type == "cpu" and bool(cpu._is_amx_tile_supported() or cpu._is_avx512_bf16_supported())
