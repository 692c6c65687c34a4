"""The engine that runs everywhere: Hugging Face transformers on a CPU, on MPS or on one GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from .._settings import settings
from ._batches import Batch, batches
from ._protocol import Sampling
from ._scoring import score_answers, score_choices, split
from ._spec import ModelSpec


class TransformersModel:
    """A causal language model that transformers can load.

    Prompts of one length are answered together, so that nothing is padded. On a CPU the number of
    prompts in a batch follows from their length alone, so that a prompt gets the same answer, to the
    last bit, whatever else is asked; on a GPU it is the same up to rounding.

    Parameters
    ----------
    spec
        Which model, from :func:`sc_duality.models.resolve`.
    device, dtype, trust_remote_code
        As for :func:`sc_duality.models.load`.
    batch_tokens
        Tokens that are read at once: by default 1,024 on a CPU, which keeps it busy, and 32,768
        elsewhere. Less needs less memory.

    Examples
    --------
    >>> import sc_duality as sd
    >>> model = sd.models.load("embedded")
    >>> prompts = ["<annotate> <cell> CD79A MS4A1 CD37 CD74 <type>"]
    >>> scores = model.score(prompts, ["B_cell", "natural_killer_cell"])
    >>> bool(scores[0, 0] > scores[0, 1])
    True
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        device: str = "auto",
        dtype: str = "auto",
        trust_remote_code: bool = False,
        batch_tokens: int | None = None,
    ) -> None:
        self.spec = spec
        where = {"revision": spec.revision, "trust_remote_code": trust_remote_code}
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(spec.source, **where)
            with _loading_bar(shown=settings.progress and spec.name != "embedded"):
                model: Any = AutoModelForCausalLM.from_pretrained(
                    spec.source, use_safetensors=True, dtype=torch.float32 if dtype == "auto" else dtype, **where
                )
        except OSError as error:
            raise OSError(
                f"cannot load the model {spec.source!r}: {error}\nIf this machine is offline, fetch it elsewhere "
                f"(hf download {spec.source}) and pass the folder as model="
            ) from error
        self.model: Any = model.to(_device(device)).eval()
        if dtype == "auto" and _multiplies_bfloat16(self.model.device):
            self.model = self.model.to(torch.bfloat16)
        self.batch_tokens = batch_tokens or (1024 if self.model.device.type == "cpu" else 32768)
        self._pad: int = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else 0
        # A model's folder may ask for random draws; how text is drawn is decided by Sampling alone.
        self.model.generation_config = GenerationConfig(
            pad_token_id=self._pad, eos_token_id=self.model.generation_config.eos_token_id
        )

    @property
    def dtype(self) -> str:
        """Type of the weights as they are used."""
        return str(self.model.dtype).removeprefix("torch.")

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[str]:
        """Continue every prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        sampling
            How to draw. With a temperature above 0, what is drawn depends on the batches.

        Returns
        -------
        One text a prompt, without the prompt and without special tokens.
        """
        ids = self._encode(prompts, room=sampling.max_tokens)
        draws = sampling.temperature > 0
        how: dict[str, Any] = {"max_new_tokens": sampling.max_tokens, "do_sample": draws}
        if draws:
            how |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        texts = [""] * len(ids)
        with torch.random.fork_rng(enabled=draws), torch.inference_mode():
            if draws:
                torch.manual_seed(sampling.seed)
            for batch in self._batches(ids, "generating"):
                mask = torch.ones_like(batch.ids)
                out = self.model.generate(input_ids=batch.ids, attention_mask=mask, **how)
                new = out[: len(batch.members), batch.ids.shape[1] :]
                for i, text in zip(
                    batch.members, self.tokenizer.batch_decode(new, skip_special_tokens=True), strict=True
                ):
                    texts[i] = text
        return texts

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of every choice after every prompt, each prompt being read once.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        choices
            Texts that might follow.

        Returns
        -------
        Natural logarithms, (n_prompts, n_choices), summed over the tokens of a choice.
        """
        if not choices:
            raise ValueError("there are no choices to score")
        tails = self._encode_answers(choices)
        parted = split(tails)
        ids = [[*prompt, *parted.shared] for prompt in self._encode(prompts, room=max(map(len, tails)))]
        scores = np.empty((len(ids), len(tails)))
        for batch in self._batches(ids, "scoring"):
            found = score_choices(self.model, batch, parted, self._pad)
            scores[batch.members] = found[: len(batch.members)].numpy()
        return scores

    def likelihood(self, prompts: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
        """Log-likelihood of each answer after its own prompt.

        Parameters
        ----------
        prompts
            Texts; wrapped in the model's chat template if it has one.
        answers
            One text a prompt.

        Returns
        -------
        Natural logarithms, (n_prompts,), summed over the tokens of an answer.
        """
        if not prompts:
            return np.empty(0)
        tails = self._encode_answers(answers)
        lengths = np.array([len(tail) for tail in tails])
        heads = self._encode(prompts, room=int(lengths.max()))
        total = np.empty(len(tails))
        for length in np.unique(lengths):
            same = np.flatnonzero(lengths == length)
            ids = [[*heads[i], *tails[i]] for i in same]
            for batch in self._batches(ids, "judging"):
                found = score_answers(self.model, batch, int(length))
                total[same[batch.members]] = found[: len(batch.members)].numpy()
        return total

    def embed(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last layer's hidden states over the tokens of each prompt.

        Returns
        -------
        (n_prompts, width).
        """
        ids = self._encode(prompts, room=0)
        vectors = np.empty((len(ids), self.model.config.get_text_config().hidden_size), dtype=np.float32)
        for batch in self._batches(ids, "embedding"):
            with torch.inference_mode():
                hidden = self.model.base_model(input_ids=batch.ids).last_hidden_state
            vectors[batch.members] = hidden[: len(batch.members)].float().mean(1).cpu().numpy()
        return vectors

    def _encode(self, prompts: Sequence[str], room: int) -> list[list[int]]:
        """Token ids of every prompt, or an error where one leaves no room for its answer."""
        if not prompts:
            return []
        if self.tokenizer.chat_template:
            prompts = [
                self.tokenizer.apply_chat_template(
                    [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
                )
                for prompt in prompts
            ]
        # A chat template writes its special tokens itself.
        ids = self.tokenizer(list(prompts), add_special_tokens=not self.tokenizer.chat_template)["input_ids"]
        limit = self.model.config.get_text_config().max_position_embeddings
        longest = max(range(len(ids)), key=lambda i: len(ids[i]))
        if len(ids[longest]) + room > limit:
            raise ValueError(
                f"prompt {longest} has {len(ids[longest])} tokens and its answer may have {room}, but the model "
                f"{self.spec.name!r} reads {limit}: use fewer genes (n_genes=) or fewer labels"
            )
        return ids

    def _encode_answers(self, answers: Sequence[str]) -> list[list[int]]:
        """Token ids of every answer, or an error where the model has no word for one."""
        tails = self.tokenizer(list(answers), add_special_tokens=False)["input_ids"] if answers else []
        for answer, tail in zip(answers, tails, strict=True):
            if not tail or tail == [self.tokenizer.unk_token_id]:
                raise ValueError(f"the model {self.spec.name!r} has no word for the answer {answer!r}")
        return tails

    def _batches(self, ids: list[list[int]], what: str) -> Iterator[Batch]:
        """Batches of prompts, with a progress bar."""
        device = self.model.device
        with tqdm(total=len(ids), desc=what, unit="prompt", disable=not settings.progress) as bar:
            for batch in batches(ids, tokens=self.batch_tokens, device=device, fill=device.type == "cpu"):
                yield batch
                bar.update(len(batch.members))


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


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(torch.cpu._is_amx_tile_supported())
