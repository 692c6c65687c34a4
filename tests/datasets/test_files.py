"""The files of a data set are listed, downloaded without being read, and replaced by files of the user."""

from __future__ import annotations

import gzip
import inspect
from pathlib import Path

import numpy as np
import pytest

import sc_duality as sd
from tests.datasets.test_public import COUNTS, GENES, h5ad, make_adata, table

NAMES = list(sd.datasets.available().index)


def liver(folder: Path, names: tuple[str, str] = ("counts.csv.gz", "labels.txt")) -> list[Path]:
    """Files in the format of he2020_liver."""
    paths = [folder / name for name in names]
    paths[0].write_bytes(gzip.compress(table(COUNTS, GENES, ["A.1", "B.1", "C.1"], sep=",", named=False)))
    paths[1].write_text("\tCell_type_in_each_tissue\tCell_type_in_merged_data\nLiver_cDNA_A-1\tT Cell\tT Cell IL7R\n")
    return paths


# --- the published files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_listed_with_its_url_and_path(server, name):
    listed = sd.datasets.files(name)
    assert ", ".join(listed["url"]) == sd.datasets.available().loc[name, "files"]
    assert listed["path"].tolist() == [sd.settings.cache_dir / "datasets" / file for file in listed.index]
    assert not listed["downloaded"].any()
    assert not server.requests


def test_files_are_downloaded_without_being_read(serve, server):
    serve("he2020_liver", gzip.compress(b"no table"), b"no table")
    first, second = sd.datasets.files("he2020_liver").index
    (path,) = sd.datasets.download("he2020_liver", only=[second])
    assert path.read_bytes() == b"no table"
    assert sd.datasets.files("he2020_liver")["downloaded"].tolist() == [False, True]
    assert sd.datasets.download("he2020_liver") == sd.datasets.files("he2020_liver")["path"].tolist()
    assert server.requests == {first: 1, second: 1}
    assert sd.datasets.download("he2020_liver", only=[]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sd.datasets.files("he2020"), "name='he2020' is not an option: choose from 'he2020_liver', 'segerst"),
        (lambda: sd.datasets.download("pbmc3k"), "name='pbmc3k' is not an option"),
        (
            lambda: sd.datasets.download("kang2018", only=["kang.h5ad"]),
            r"only=\['kang.h5ad'\]: kang2018 has the files kang_2018.h5ad",
        ),
    ],
)
def test_unknown_names_raise_before_a_download(server, call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert not server.requests


# --- files of the user --------------------------------------------------------------------------------------


def test_your_own_files_are_read_in_their_order_without_a_download(server, tmp_path):
    adata = sd.datasets.he2020_liver(files=[str(path) for path in liver(tmp_path)])
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS)
    assert adata.obs["cell_type"].dropna().tolist() == ["T Cell"]
    assert not server.requests
    assert not sd.settings.cache_dir.exists()


@pytest.mark.usefixtures("server")
def test_the_hash_of_your_own_file_is_not_checked(tmp_path):
    made = make_adata(tech=["smarter", "celseq", "celseq"], celltype=["alpha", "beta", "delta"])
    made.layers["counts"] = made.X.copy()
    h5ad(tmp_path, made)
    adata = sd.datasets.pancreas_scib(files=[tmp_path / "made.h5ad"])
    assert adata.obs["cell_type"].tolist() == ["alpha", "beta", "delta"]


def test_your_own_file_is_read_from_disk(tmp_path):
    h5ad(tmp_path, make_adata(perturbation=["control", "x", "y"]))
    adata = sd.datasets.sciplex3(backed=True, files=[tmp_path / "made.h5ad"])
    assert adata.isbacked
    adata.file.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_checks_your_own_files_before_it_reads_one(server, tmp_path, name):
    read = getattr(sd.datasets, name)
    assert inspect.signature(read).parameters["files"].kind == inspect.Parameter.KEYWORD_ONLY
    n = 1 if name == "cell_puzzles" else len(sd.datasets.files(name))
    first = tmp_path / "no_table"
    first.touch()
    with pytest.raises(
        ValueError, match=rf"files=.*no_table.*must be a list of {n}, in this order: {sd.datasets.files(name).index[0]}"
    ):
        read(files=[first] * (n + 1))
    with pytest.raises(ValueError, match=r"files=\[\] must be a list"):
        read(files=[])
    with pytest.raises(FileNotFoundError, match=r"files=\['.*absent'\]: there are no such files"):
        read(files=[first, tmp_path / "absent"][-n:])
    with pytest.raises(ValueError, match=r"files='a\.h5ad' must be a list: pass files=\['a\.h5ad'\]"):
        read(files="a.h5ad")
    assert not server.requests
