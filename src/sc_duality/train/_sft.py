"""Supervised training on lessons and their duals, with TRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from ..models import ModelSpec
from ..models.engines import Tokens, one_level
from ._contrast import ContrastiveSFT
from ._distil import Trace
from ._history import history_of
from ._lesson import Lesson
from ._policy import Policy
from ._progress import without_prints
from ._rows import Groups, contrast_rows, plain_rows
from ._run import Run, Trained
from ._settings import adapter, batching, common, context_of, model_options, without_denormals
from ._watch import Watch

#: How often it is evaluated and saved in a run.
_LOOKS = 5


def fit(
    spec: ModelSpec,
    lessons: Sequence[Lesson | Trace],
    held_out: Sequence[Lesson],
    run: Run,
    *,
    contrast: float,
    lora: int | Mapping[str, Any] | None,
    batch_size: int,
    learning_rate: float,
    seed: int,
    progress: bool,
    options: Mapping[str, Any],
) -> Trained:
    """Train on lessons, each met once, and evaluate on others as it goes.

    See :func:`sc_duality.tl.train_sft` for the arguments.
    """
    tokens, context = Tokens(spec), context_of(spec)
    rows_of = contrast_rows if contrast > 0 else plain_rows
    data = Dataset.from_list(rows_of(tokens, lessons, context))
    judged = Dataset.from_list(rows_of(tokens, held_out, context)) if held_out else None
    given = {
        **common(run.checkpoints, steps=-1, saves=1 / _LOOKS, seed=seed, progress=progress),
        **batching(batch_size, options),
        "num_train_epochs": 1,
        "learning_rate": learning_rate,
        "max_length": context,
        "model_init_kwargs": model_options(spec.revision),
        "dataset_kwargs": {"skip_prepare_dataset": contrast > 0},
        **({"eval_strategy": "steps", "eval_steps": 1 / _LOOKS, "per_device_eval_batch_size": 8} if judged else {}),
        **options,
    }
    trainer = _trainer(contrast, tokens)(
        model=spec.source,
        args=SFTConfig(**given),
        train_dataset=data,
        eval_dataset=judged,
        processing_class=tokens.tokenizer,
        peft_config=adapter(lora),
    )
    without_prints(trainer)
    steps = -(-len(trainer.train_dataset) // batch_size)  # packing leaves fewer
    watch = Watch(Policy(spec, trainer), held_out, every=-(-steps // _LOOKS))
    if held_out:
        trainer.add_callback(watch)
    checkpoint = run.begin()
    with run.keeping(), without_denormals(), one_level():
        trainer.train(resume_from_checkpoint=checkpoint)
        record = {"accuracy": {task: found._asdict() for task, found in watch.last.items()}}
        # TRL begins to count tokens anew where a stopped run goes on.
        history = history_of(trainer.state.log_history).drop(columns=["tokens", "eval_num_tokens"], errors="ignore")
        return run.finish(trainer, spec, history, record)


def _trainer(contrast: float, tokens: Tokens) -> Any:
    if contrast == 0:
        return SFTTrainer
    pad = tokens.tokenizer.pad_token_id
    return partial(ContrastiveSFT, contrast=contrast, data_collator=Groups(0 if pad is None else pad))
