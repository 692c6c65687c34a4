"""Tables of speed, memory and cost."""

from __future__ import annotations

from benchmarks._markdown import figures, number, whole, with_source


def annotate() -> str:
    """Speed of annotation."""
    found = figures("annotate")
    ways = {
        "`tl.annotate`, all labels": "cells_per_s",
        "scoring": "score_cells_per_s",
        "generation of the label, cell by cell": "generate_cells_per_s",
        "bound: matrix products": "bound_cells_per_s",
    }
    return with_source("annotate", [found["dtype"], "cells/s"], [[way, whole(found[key])] for way, key in ways.items()])


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
    "sentences": sentences,
    "scale": scale,
}
