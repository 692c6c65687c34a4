"""Tables of captions and answers."""

from __future__ import annotations

from typing import Any

from benchmarks._markdown import figures, number, with_source

STAGES = {
    "nearest training group": "texts of the nearest training group",
    "untrained": "SmolLM2-135M, untrained",
    "sft": "after supervised training",
    "grpo": "after GRPO, semantic reward",
}


def captions() -> str:
    """Captions and answers by stage: BERTScore and its floor, keyword recall, cited genes."""
    found = figures("captions")
    floor, parts = found["floor"], list(found["floor"])
    rows = [["floor: references of other groups", *(number(floor[part]) for part in parts), "", ""]]
    for stage, title in STAGES.items():
        scores = found["scores"][stage]
        rows.append(
            [
                title, *(text_score(scores[part]) for part in parts),
                share(scores["caption"].get("cited_gene_precision")), share(scores["caption"]["read"]),
            ]
        )  # fmt: skip
    header = ["BERTScore F1 / keyword recall", *parts, "cited genes that are expressed", "captions that can be read"]
    return with_source("captions", header, rows)


def text_score(scores: dict[str, Any]) -> str:
    """BERTScore and keyword recall."""
    recall = scores.get("keyword_recall")
    return number(scores["bert_score"]) + ("" if recall is None else f" / {number(recall, 2)}")


def share(value: float | None) -> str:
    """A share, or a dash."""
    return "–" if value is None else number(value, 2)


def caption_texts() -> str:
    """Captions of test groups: the reference, and what the model wrote after each training."""
    rows = [
        [one["group"], *(" ".join(one[stage].split()) or "–" for stage in ("reference", "sft", "grpo"))]
        for one in figures("captions")["captions"]
    ]
    return with_source("captions", ["group", "reference", "after supervised training", "after GRPO"], rows)


def scaling() -> str:
    """Held-out quality by LoRA rank and tokens read."""
    found = figures("scaling")
    rows = [
        [
            rank, f"{tokens:,}", number(one["eval_loss"][i]), number(one["accuracy"][i]),
            number(one["dual_accuracy"][i]),
        ]
        for rank, one in found["ranks"].items()
        for i, tokens in enumerate(one["tokens"])
        if i in (0, len(one["tokens"]) // 2, len(one["tokens"]) - 1)
    ]  # fmt: skip
    header = ["LoRA rank", "tokens read", "loss, nats a token", "accuracy", "accuracy of the dual"]
    return with_source("scaling", header, rows)


TABLES = {"scaling": scaling, "captions": captions, "caption-texts": caption_texts}
