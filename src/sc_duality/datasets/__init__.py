"""Data sets: two small ones that need no network, and public benchmarks that are downloaded once."""

from __future__ import annotations

from ._cell_puzzles import cell_puzzles
from ._files import download, files
from ._gene_sets import gene_sets
from ._geo_drugs import aissa2021, bell2019, sharma2018
from ._geo_types import he2020_liver, ma2020, segerstolpe2016
from ._h5ad_perturbations import kang2018, sciplex3
from ._h5ad_types import bastidas_ponce2019, dominguez_conde2022, pancreas_scib
from ._interactions import go_annotations, interactions
from ._pbmc import pbmc3k, pbmc68k_reduced
from ._registry import available

__all__ = [
    "aissa2021",
    "available",
    "bastidas_ponce2019",
    "bell2019",
    "cell_puzzles",
    "dominguez_conde2022",
    "download",
    "files",
    "gene_sets",
    "go_annotations",
    "he2020_liver",
    "interactions",
    "kang2018",
    "ma2020",
    "pancreas_scib",
    "pbmc3k",
    "pbmc68k_reduced",
    "sciplex3",
    "segerstolpe2016",
    "sharma2018",
]
