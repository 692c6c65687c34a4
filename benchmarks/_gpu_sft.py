"""Supervised fine-tuning of the random model: tokens a second and MFU, by TRL and by a plain step of torch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

import sc_duality as sd
from benchmarks._gpu_cells import TASKS, thinned, training_texts
from benchmarks._gpu_device import halved, synchronize
from benchmarks._gpu_flops import ModelSize, model_size
from benchmarks._gpu_setting import Setting
from benchmarks._gpu_share import Share
from benchmarks._gpu_steps import Step, measured_steps, training_rates
from sc_duality.models.engines import Tokens, multiplies_bfloat16
from sc_duality.train import check_trl

#: Label of a token without a loss.
IGNORED = -100
LEARNING_RATE = 1e-5


def sft(setting: Setting) -> Iterator[tuple[str, Any]]:
    """A plain step, and ``tl.train_sft`` where TRL is installed, from weights in float32."""
    dtype = "bfloat16" if multiplies_bfloat16(setting.device) else "float32"
    yield "mfu_of", f"card.matmul_{dtype}_tflop_per_s"
    model = trained_model(setting)
    size, n_parameters = model_size(model), model.num_parameters()
    yield "model", {"shape": setting.shape, "parameters": n_parameters, "matrix_weights": size.body + size.head}
    plain = partial(plain_steps, setting, model, dtype, setting.share.fraction(0.4))
    steps, _ = halved(plain, setting.sizes.sft_texts, setting.device)
    yield "plain_torch", training_rates(steps, size, setting.peak_tflop_per_s(dtype))
    del model, plain
    yield from by_trl(setting, size, setting.peak_tflop_per_s(dtype))


def by_trl(setting: Setting, size: ModelSize, peak_tflop_per_s: float | None) -> Iterator[tuple[str, Any]]:
    """``tl.train_sft``, or the reason why it is not measured."""
    try:
        check_trl()
    except ImportError as error:
        yield "train_sft_not_measured", str(error)
        return
    steps, _ = halved(partial(trainer_steps, setting), setting.sizes.sft_texts, setting.device)
    yield "train_sft", training_rates(steps, size, peak_tflop_per_s)


def trained_model(setting: Setting) -> Any:
    """The random model with weights in float32."""
    model: Any = AutoModelForCausalLM.from_pretrained(setting.random_model(), dtype=torch.float32)
    return model.to(setting.device).train()


def plain_steps(setting: Setting, model: Any, dtype: str, share: Share, n_texts: int) -> list[Step]:
    """Steps of AdamW on batches of this many texts, with gradients clipped at 1."""
    fused = setting.device.type == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=fused)
    optimizer.zero_grad()  # of a batch that did not fit
    rows = token_rows(setting)
    steps: list[Step] = []
    while len(steps) < 2 or (len(steps) <= setting.sizes.sft_steps and share.left() > 0):
        first = len(steps) * n_texts
        texts = [rows[i % len(rows)] for i in range(first, first + n_texts)]
        start = time.perf_counter()
        batch = {name: value.to(setting.device) for name, value in collated(texts).items()}
        with torch.autocast(setting.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        synchronize(setting.device)
        steps.append({"seconds": time.perf_counter() - start, "lengths": [len(ids) for ids, _ in texts]})
    return steps


def token_rows(setting: Setting) -> list[tuple[list[int], int]]:
    """Token ids of each training text, and the number of them that are the prompt."""
    source = setting.random_model()
    texts = training_texts(source, setting.sizes.sft_cells, setting.seed)
    tokens = Tokens(sd.models.resolve(source))
    prompts, completions = (tokens.prompts([p for p, _ in texts]), tokens.answers([c for _, c in texts]))
    end = tokens.tokenizer.eos_token_id
    return [([*prompt, *answer, end], len(prompt)) for prompt, answer in zip(prompts, completions, strict=True)]


def collated(rows: list[tuple[list[int], int]]) -> dict[str, torch.Tensor]:
    """A batch padded on the right; prompts have no loss."""
    width = max(len(ids) for ids, _ in rows)
    ids, labels, mask = [], [], []
    for row, n_prompt in rows:
        padding = width - len(row)
        ids.append([*row, *[0] * padding])
        labels.append([*[IGNORED] * n_prompt, *row[n_prompt:], *[IGNORED] * padding])
        mask.append([1] * len(row) + [0] * padding)
    return {
        "input_ids": torch.tensor(ids), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask),
    }  # fmt: skip


def trainer_steps(setting: Setting, n_texts: int) -> list[Step]:
    """Steps of ``tl.train_sft`` with updates of this many texts."""
    from trl import SFTTrainer

    with (
        tempfile.TemporaryDirectory() as folder,
        measured_steps(SFTTrainer, setting.device, setting.share, most=setting.sizes.sft_steps) as steps,
    ):
        sd.tl.train_sft(
            thinned(setting.sizes.sft_cells, setting.seed),
            setting.random_model(),
            Path(folder) / "model",
            tasks=TASKS,
            held_out=0,
            num_train_epochs=1,
            batch_size=n_texts,
            learning_rate=LEARNING_RATE,
            rng=setting.seed,
        )
    return steps
