"""Whether prompts, completions and dual prompts fit into the context of a model, before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ..duality import Duality
from ..models import ModelSpec
from ..models.engines import Tokens
from ..tasks import Question, TrainingExample
from ._trainer_args import context_length


def check_context_length(
    spec: ModelSpec,
    examples: Sequence[TrainingExample],
    labelled: Sequence[TrainingExample],
    duality: Duality,
    max_completion_length: int,
) -> None:
    """Refuse training examples that would exceed the context length.

    Parameters
    ----------
    spec
        The model.
    examples
        Examples to train on; the model answers each with up to ``max_completion_length`` tokens.
    labelled
        Labelled examples, for evaluation.
    duality
        How the dual task scores.
    max_completion_length
        Tokens of a completion.

    Raises
    ------
    ValueError
        Names the length and what to make smaller; also if a label is not in the model's vocabulary.
    """
    tokens, limit = Tokens(spec), context_length(spec)
    prompts = tokens.prompts([one.question().prompt for one in examples])
    tokens.check_context_length(prompts, max_completion_length, limit)

    @cache
    def longest(texts: tuple[str, ...]) -> int:
        return max(map(len, tokens.answers(texts)))

    def target_length(dual: Question) -> int:
        if duality.form == "sample":
            return spec.max_new_tokens(dual.answer_type.n_tokens)
        return longest(tuple(dual.completions()) or (dual.completion(dual.target),))

    needed: list[tuple[str, int]] = []
    for one in examples:
        answer_type = one.task.answer_type(one.example)
        answer = answer_type.longest
        dual = one.task.dual(one.example, getattr(answer_type, "empty", ()) if answer is None else answer)
        if dual is not None:  # a generated cell may take up the whole completion
            needed.append((dual.prompt, target_length(dual) + (max_completion_length if answer is None else 0)))
    texts = [text for one in labelled for text in one.texts()]
    lengths = map(len, tokens.answers([completion for _, completion in texts]))
    needed += [(prompt, length) for (prompt, _), length in zip(texts, lengths, strict=True)]
    for ids, (_, more) in zip(tokens.prompts([prompt for prompt, _ in needed]), needed, strict=True):
        if len(ids) + more > limit:
            raise ValueError(
                f"a dual prompt has {len(ids)} tokens and its answer may have {more}, but the context length of the "
                f"model {spec.name!r} is {limit}: use fewer genes (n_genes=), fewer labels, or a smaller "
                "max_completion_length="
            )
