"""Tables of speed, memory and cost."""

from __future__ import annotations

from benchmarks._markdown import figures, number, source, whole, with_source


def annotate() -> str:
    """Speed of annotation."""
    found = figures("annotate")
    ways = {
        "`tl.annotate`, 41 labels": "cells_per_s",
        "scoring": "score_cells_per_s",
        "generation of the label, cell by cell": "generate_cells_per_s",
        "bound: matrix products": "bound_cells_per_s",
    }
    return with_source("annotate", [found["dtype"], "cells/s"], [[way, whole(found[key])] for way, key in ways.items()])


def engines() -> str:
    """Speed of the engines."""
    found = figures("engines")
    speed = found["cells_per_s"]
    rows = [
        [name, *(whole(speed[name].get(each)) for each in ("score", "generate", "embed"))] for name in found["engines"]
    ]
    rows.append(["transformers, cell by cell", whole(speed["transformers"]["one_by_one"]), "–", "–"])
    rows.append(["bound: forward passes over full batches", whole(found["bound_cells_per_s"]), "–", "–"])
    return with_source("engines", [f"cells/s, {found['dtype']}", "score", "generate", "embed"], rows)


def grpo_step() -> str:
    """Processor seconds of a step of GRPO."""
    found = figures("grpo_step")
    kinds = ("free", "plain", "sample", "likelihood")
    rows = [
        [
            task, *(number(seconds[kind], 2) for kind in kinds), number(found["overhead_by_task"][task], 2),
            number(found["likelihood_over_sample_by_task"][task], 2),
        ]
        for task, seconds in found["cpu_seconds_per_step"].items()
    ]  # fmt: skip
    header = [
        "seconds per step", "random rewards", "and plain generation", "sampled dual", "likelihood",
        "sampled / plain", "likelihood / sampled",
    ]  # fmt: skip
    return with_source("grpo_step", header, rows)


def sentences() -> str:
    """Speed of cell sentences."""
    found = figures("sentences")
    rows = [
        ["sentences of 200 genes, cells/s", whole(found["cells_per_s"]), "–"],
        ["sentences of 1,500 genes, cells/s", whole(found["all_genes_cells_per_s"]), whole(found["peer_cells_per_s"])],
        ["sentences of 200 genes as text, cells/s", whole(found["text_cells_per_s"]), "–"],
        ["bound by memory bandwidth, cells/s", whole(found["bound_cells_per_s"]), "–"],
        ["peak memory beyond the input / output", number(found["peak_over_output"], 2), "–"],
    ]
    return with_source("sentences", ["", "sc_duality", "cell2sentence (text)"], rows)


def parsing() -> str:
    """Speed of parsing."""
    found = figures("parsing")
    ways = {
        "text to ranks, sentences/s": ("sentences_per_s", "peer_sentences_per_s", "bound_sentences_per_s"),
        "the same, cell2sentence with a set of genes": (None, "peer_set_sentences_per_s", None),
        "ranks to expression, cells/s": (
            "expression_cells_per_s", "peer_expression_cells_per_s", "bound_expression_cells_per_s",
        ),
        "rank-weighted Jaccard similarity, pairs/s": ("rwjs_pairs_per_s", None, "bound_rwjs_pairs_per_s"),
    }  # fmt: skip
    rows = [[way, *(whole(found.get(key)) if key else "–" for key in keys)] for way, keys in ways.items()]
    return with_source("parsing", ["", "sc_duality", "cell2sentence", "bound"], rows)


def imports() -> str:
    """Import time, as a sentence."""
    found = figures("imports")
    times = f"`import anndata`: {found['anndata_s']:.2f} s; with `sc_duality`: {found['sc_duality_s']:.2f} s"
    return f"{times} ({source('imports').removesuffix('.')})."


def scale() -> str:
    """Stores on disk."""
    found = figures("scale")["sentences"]
    rows = [
        [
            way, whole(speed), number(found["over_in_memory"][way], 2), " → ".join(map(whole, found["peak_mb"][way])),
            f"{found['peak_growth'][way]:.1%}",
        ]
        for way, speed in found["cells_per_s"].items()
    ]  # fmt: skip
    few, many = found["n_cells"]
    header = ["store", "cells/s", "over in memory", f"peak in MB, {few:,} → {many:,} cells", "growth"]
    return with_source("scale", header, rows)


TABLES = {
    "annotate": annotate,
    "engines": engines,
    "grpo-step": grpo_step,
    "sentences": sentences,
    "parsing": parsing,
    "imports": imports,
    "scale": scale,
}
