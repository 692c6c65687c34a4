"""Texts as the token ids that a model reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from transformers import AutoTokenizer

from ._spec import ModelSpec


class Tokens:
    """The tokenizer of a model, with its chat template.

    Parameters
    ----------
    spec
        Which model.
    trust_remote_code
        As for :func:`sc_duality.models.load`.
    """

    def __init__(self, spec: ModelSpec, *, trust_remote_code: bool = False) -> None:
        self.spec = spec
        with saying_what_to_fetch(spec):
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                spec.source, revision=spec.revision, trust_remote_code=trust_remote_code
            )

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, each wrapped in the chat template if there is one."""
        if not texts:
            return []
        chat = bool(self.tokenizer.chat_template)
        if chat:
            texts = [
                self.tokenizer.apply_chat_template(
                    [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
                )
                for text in texts
            ]
        # A chat template writes its special tokens itself.
        return list(self.tokenizer(list(texts), add_special_tokens=not chat)["input_ids"])

    def answers(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of what may follow a prompt, or an error where the model has no word for it."""
        found = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        for text, ids in zip(texts, found, strict=True):
            if not ids or ids == [self.tokenizer.unk_token_id]:
                raise ValueError(f"the model {self.spec.name!r} has no word for the answer {text!r}")
        return list(found)

    def check_room(self, ids: Sequence[Sequence[int]], room: int, limit: int) -> None:
        """Refuse a prompt that, with ``room`` tokens of answer, is longer than the ``limit`` of the model."""
        longest = max(range(len(ids)), key=lambda i: len(ids[i]), default=None)
        if longest is not None and len(ids[longest]) + room > limit:
            raise ValueError(
                f"prompt {longest} has {len(ids[longest])} tokens and its answer may have {room}, but the model "
                f"{self.spec.name!r} reads {limit}: use fewer genes (n_genes=), fewer labels, or a smaller max_tokens="
            )


@contextmanager
def saying_what_to_fetch(spec: ModelSpec) -> Iterator[None]:
    """Tell a user without a network what to fetch where there is one."""
    try:
        yield
    except OSError as error:
        revision = f" --revision {spec.revision}" if spec.revision else ""
        raise OSError(
            f"cannot load the model {spec.source!r}: {error}\nIf this machine is offline, fetch it elsewhere "
            f"(hf download {spec.source}{revision}) and pass the folder as model="
        ) from error
