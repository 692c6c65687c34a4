"""Texts as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoTokenizer

from .._spec import ModelSpec
from ._hub import explain_download_errors, source_options

#: Tokens of every answer at most, or of the answer after each prompt.
NewTokens = int | Sequence[int]


class Tokens:
    """The tokenizer of a model, with its chat template.

    Parameters
    ----------
    spec
        The model.
    trust_remote_code
        As for :func:`sc_duality.models.load`.
    """

    def __init__(self, spec: ModelSpec, *, trust_remote_code: bool = False) -> None:
        self.spec = spec
        with explain_download_errors(spec):
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                spec.source, trust_remote_code=trust_remote_code, **source_options(spec)
            )

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, each in the chat template if the model has one; an error where one has no tokens."""
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
        # A chat template adds its special tokens itself.
        token_ids = list(self.tokenizer(list(texts), add_special_tokens=not chat)["input_ids"])
        if [] in token_ids:
            i = token_ids.index([])
            raise ValueError(f"prompt {i} has no tokens, its text is {texts[i]!r}: pass a text with at least one token")
        return token_ids

    def answers(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of answers after a prompt; an error where an answer is not in the vocabulary."""
        token_ids = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        for text, ids in zip(texts, token_ids, strict=True):
            if not ids or ids == [self.tokenizer.unk_token_id]:
                raise ValueError(f"the answer {text!r} is not in the vocabulary of the model {self.spec.name!r}")
        return list(token_ids)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text, without special tokens."""
        return [len(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []

    def check_context_length(self, ids: Sequence[Sequence[int]], max_new_tokens: NewTokens, limit: int) -> None:
        """Refuse a prompt that exceeds the context length ``limit`` together with ``max_new_tokens`` of an answer."""
        more = [max_new_tokens] * len(ids) if isinstance(max_new_tokens, int) else list(max_new_tokens)
        longest = max(range(len(ids)), key=lambda i: len(ids[i]) + more[i], default=None)
        if longest is not None and len(ids[longest]) + more[longest] > limit:
            raise ValueError(
                f"prompt {longest} has {len(ids[longest])} tokens and its answer may have {more[longest]}, but the "
                f"model {self.spec.name!r} reads {limit}: "
                "use fewer genes (n_genes=), fewer labels, or a smaller max_tokens= (in GRPO max_completion_length=)"
            )
