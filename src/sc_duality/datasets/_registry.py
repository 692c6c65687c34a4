"""Addresses and metadata of the public data sets."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ._fetch import File

_GEO = "https://ftp.ncbi.nlm.nih.gov/geo"
_BIOSTUDIES = "https://ftp.ebi.ac.uk/biostudies/fire/E-MTAB-/061/E-MTAB-5061/Files"
_PUZZLES = "https://huggingface.co/datasets/ncbi/CellPuzzles/resolve/main/data"


@dataclass(frozen=True)
class DataSet:
    """A public data set: its files, and a row of :func:`available`."""

    about: str
    species: str
    #: Unit of ``X``.
    values: str
    license: str
    files: tuple[File, ...]
    #: ``None`` if the source does not state it.
    n_cells: int | None = None


def _sample(accession: str, file: str) -> File:
    """A supplementary file of a GEO sample."""
    return File(file, (f"{_GEO}/samples/{accession[:-3]}nnn/{accession}/suppl/{file}",))


def _series(accession: str, file: str) -> File:
    """A supplementary file of a GEO series."""
    return File(file, (f"{_GEO}/series/{accession[:-3]}nnn/{accession}/suppl/{file}",))


SETS = {
    "he2020_liver": DataSet(
        about="liver of one donor, with cell types; CellDuality's He-2020-Liver",
        species="human",
        values="counts",
        license="see GEO GSE159929",
        files=(
            _sample("GSM4850582", "GSM4850582_Liver_Counts.csv.gz"),
            File(
                "Annotation_AHCA_alltissues_meta.data_84363_cell.txt",
                (
                    "https://raw.githubusercontent.com/bei-lab/scRNA-AHCA/master/"
                    "Cell_barcode_and_corresponding_cell_types_of_AHCA/"
                    "Annotation_AHCA_alltissues_meta.data_84363_cell.txt",
                ),
            ),
        ),
    ),
    "segerstolpe2016": DataSet(
        about="pancreatic islets of 10 donors, healthy and with diabetes; CellDuality's Segerstolpe-2016",
        species="human",
        values="counts",
        license="see BioStudies E-MTAB-5061",
        files=tuple(
            File(name, (f"{_BIOSTUDIES}/{name}",))
            for name in ("pancreas_refseq_rpkms_counts_3514sc.txt", "E-MTAB-5061.sdrf.txt")
        ),
        n_cells=3514,
    ),
    "pancreas_scib": DataSet(
        about="pancreas from nine technologies with shared cell types; includes the cells of Xin-2016",
        species="human",
        values="counts, in part fractions",
        license="see its page on figshare",
        files=(
            File(
                "human_pancreas_norm_complexBatch.h5ad",
                (
                    "https://figshare.com/ndownloader/files/24539828",
                    "https://exampledata.scverse.org/scvi-tools/pancreas.h5ad",
                ),
                "sha256:97e6dfd65553e4d10aa3ef5d904362970a75c677c31d70fabc9234191a09db8c",
            ),
        ),
        n_cells=16382,
    ),
    "dominguez_conde2022": DataSet(
        about="immune cells of 16 tissues from 12 donors; CellDuality's Human Immune Tissue",
        species="human",
        values="log-normalised; counts in a layer",
        license="see tissueimmunecellatlas.org",
        files=(
            File(
                "CountAdded_PIP_global_object_for_cellxgene.h5ad",
                ("https://cellgeni.cog.sanger.ac.uk/pan-immune/CountAdded_PIP_global_object_for_cellxgene.h5ad",),
            ),
        ),
    ),
    "ma2020": DataSet(
        about="skin by SHARE-seq, with 23 cell types; CellDuality's Ma-2020",
        species="mouse",
        values="counts",
        license="see GEO GSE140203",
        files=(
            _sample("GSM4156608", "GSM4156608_skin.late.anagen.rna.counts.txt.gz"),
            _sample("GSM4156597", "GSM4156597_skin_celltype.txt.gz"),
        ),
        n_cells=34774,
    ),
    "bastidas_ponce2019": DataSet(
        about="pancreas at embryonic day 15.5, with 8 cell types; CellDuality's Bastidas-Ponce-2019",
        species="mouse",
        values="counts",
        license="see GEO GSE132188",
        files=(
            File(
                "endocrinogenesis_day15.h5ad",
                ("https://github.com/theislab/scvelo_notebooks/raw/master/data/Pancreas/endocrinogenesis_day15.h5ad",),
            ),
        ),
        n_cells=3696,
    ),
    "aissa2021": DataSet(
        about="lung cancer cells PC9 before and after three days of erlotinib; part of CellDuality's GSE149383",
        species="human",
        values="counts",
        license="see GEO GSE149383",
        files=tuple(
            _sample(accession, f"{accession}_{sample}_filtered_feature_bc_matrices.tar.gz")
            for accession, sample in (("GSM3972651", "PC9D0"), ("GSM3972652", "PC9D3Erl"))
        ),
    ),
    "sharma2018": DataSet(
        about="oral cancer cells, sensitive and resistant to cisplatin; CellDuality's GSE117872",
        species="human",
        values="transcripts per million",
        license="see GEO GSE117872",
        files=tuple(_series("GSE117872", f"GSE117872_good_Data_{name}.txt.gz") for name in ("TPM", "cellinfo")),
    ),
    "bell2019": DataSet(
        about="leukaemia cells, sensitive and resistant to I-BET-762; CellDuality's GSE110894",
        species="mouse",
        values="counts",
        license="see GEO GSE110894",
        files=(
            _series("GSE110894", "GSE110894_gene_count.csv.gz"),
            _series("GSE110894", "GSE110894_SingleCellInfo.xlsx"),
        ),
    ),
    "sciplex3": DataSet(
        about="A549, K562 and MCF7 under 188 compounds in four doses; CellDuality's sci-Plex3",
        species="human",
        values="counts",
        license="CC BY 4.0",
        files=(
            File(
                "SrivatsanTrapnell2020_sciplex3.h5ad",
                ("https://zenodo.org/records/13350497/files/SrivatsanTrapnell2020_sciplex3.h5ad?download=1",),
                "md5:c9e70629505d98c7ca1a837f62b14e89",
            ),
        ),
        n_cells=799317,
    ),
    "kang2018": DataSet(
        about="blood of eight lupus patients, with and without interferon-beta; perturbation responses",
        species="human",
        values="counts",
        license="see GEO GSE96583",
        files=(
            File(
                "kang_2018.h5ad",
                (
                    "https://exampledata.scverse.org/pertpy/kang_2018.h5ad",
                    "https://figshare.com/ndownloader/files/34464122",
                ),
            ),
        ),
        n_cells=24673,
    ),
    "cell_puzzles": DataSet(
        about="Cell-o1's puzzles: 1,095 for testing and 6,912 for training",
        species="human",
        values="ranked genes",
        license="public domain notice of the NLM",
        files=tuple(
            File(f"cell_puzzles_{split}.parquet", (f"{_PUZZLES}/{split}-00000-of-00001.parquet",))
            for split in ("test", "train")
        ),
    ),
}


def available() -> pd.DataFrame:
    """List the public data sets: benchmarks of CellDuality and Cell-o1, and one of perturbation responses.

    Each has a function of the same name in this subpackage, which downloads its files (:func:`files`) into
    ``sd.settings.cache_dir``, or reads files of your own.

    Returns
    -------
    A table with a row per data set, indexed by ``name``: ``cells`` (their number, missing if the source does not state
    it), ``species``, ``values`` (unit of ``X``), ``license``, ``about``, ``hash`` (whether the hashes of all files are
    known before the first download) and ``files`` (their addresses).

    Examples
    --------
    >>> import sc_duality as sd
    >>> int(sd.datasets.available().loc["kang2018", "cells"])
    24673
    """
    rows = [
        {
            "name": name,
            "cells": known.n_cells,
            "species": known.species,
            "values": known.values,
            "license": known.license,
            "about": known.about,
            "hash": all(file.hash for file in known.files),
            "files": ", ".join(file.urls[0] for file in known.files),
        }
        for name, known in SETS.items()
    ]
    return pd.DataFrame(rows).astype({"cells": "Int64"}).set_index("name")
