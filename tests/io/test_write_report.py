"""The report is one page that needs nothing else, escapes every value, and is shown by a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import anndata as ad
import matplotlib as mpl
import matplotlib.pyplot as plt
import mudata as md
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.cells import UNKNOWN_COLOR
from sc_duality.io import _report_figures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
TRAP = "<img src='http://localhost/x.png'><script>alert(1)</script>"


class Page(HTMLParser):
    """Texts by section, and everything that a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.sections: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.loaded += [values[name] for name in ("src", "href") if values.get(name)]
        if tag == "section" and "id" in values:
            self.sections.append(values["id"])

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def explained_once() -> ad.AnnData:
    sd.settings.progress = False
    adata = sd.datasets.pbmc3k()[::6].copy()
    adata.obs["cluster"] = np.where(adata.obs["cell_type"].isin(["B cells", "NK cells"]), "10 & <b>", "9")
    sd.tl.annotate(adata, labels="blood", unknown=0.6)
    sd.tl.explain(adata, groupby="cluster", n_cells=2, n_genes=4)
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(adata.n_obs, 2))
    return adata


@pytest.fixture
def explained(explained_once: ad.AnnData) -> ad.AnnData:
    return explained_once.copy()


def written(adata, folder, **how) -> Page:
    sd.io.write_report(adata, folder / "report.html", **how)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_sections_and_figures(explained, tmp_path):
    page = written(explained, tmp_path, groupby="cluster")
    assert page.sections == ["umap", "summary", "evidence", "confidence", "provenance"]
    assert page.tags.count("img") == 3
    summary = sd.get.summary(explained, groupby="cluster")
    for group, row in summary.iterrows():
        for text in (group, row["label"], row["runner_up"], row["deciding_genes"], row["ontology_term_id"]):
            assert text in page.texts
    for text in (f"{explained.n_obs}", "12,611", explained.uns["annotation"]["params"]["fingerprint"], "0.6"):
        assert text in page.texts
    assert sd.__version__ in " ".join(page.texts)


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing(explained, tmp_path):
    explained.uns["annotation"]["answers"] = pd.DataFrame({"unit": ["9"], "text": [TRAP], "reasoning": ["&amp;"]})
    corrections = {"cells": ["AAAC|AAAG"], "old": ["B cell"], "new": [TRAP]}
    explained.uns["annotation"]["corrections"] = pd.DataFrame(corrections)
    page = written(explained, tmp_path, groupby="cluster", title=TRAP)
    assert "script" not in page.tags
    assert page.tags.count("img") == 3
    assert all(url.startswith("data:") for url in page.loaded)
    assert page.texts.count(TRAP) == 4  # title, heading, answer, correction
    assert "&amp;" in page.texts
    assert "AAAC|AAAG" not in page.texts
    assert {"Corrections", "Answers of the model"} <= set(page.texts)


def test_long_tables_are_cut(explained, tmp_path):
    explained.uns["annotation"]["answers"] = pd.DataFrame({"unit": [f"cell {i}" for i in range(1200)]})
    page = written(explained, tmp_path)
    assert "The first 100 of 1,200 rows." in page.texts
    assert ("cell 99" in page.texts, "cell 100" in page.texts) == (True, False)


def test_what_is_missing_is_named(explained, tmp_path):
    del explained.obsm["X_umap"], explained.uns["annotation"]["evidence"]
    explained.obs["annotation_in_distribution"] = 0.1
    page = written(explained, tmp_path)
    assert page.sections == ["summary", "confidence", "provenance"]
    notes = " ".join(page.texts)
    assert 'There is no UMAP: run sc.tl.umap(adata), which writes obsm["X_umap"].' in notes
    assert "run sd.tl.explain(adata, 'annotation')" in notes
    assert "mean in-distribution probability 0.10" in notes


def test_unknown_cells_and_mixed_groups_are_noted(explained, tmp_path):
    explained.obs["annotation"] = explained.obs["annotation"].astype(object)
    explained.obs.iloc[: explained.n_obs // 2, list(explained.obs).index("annotation")] = "unknown"
    notes = " ".join(written(explained, tmp_path, groupby="cluster").texts)
    assert re.search(r"(4\d|5\d) % of the cells are unknown or have no prediction", notes)
    assert "Fewer than half of the cells have the label of their group in:" in notes


def test_labels_of_another_program(explained, tmp_path):
    page = written(explained, tmp_path, key="cell_type")
    assert page.sections == ["umap", "summary", "provenance"]
    assert "uns[cell_type] does not tell how these labels were made." in page.texts


def test_mudata_lazy_and_unchanged(explained, tmp_path):
    expected = written(explained, tmp_path, groupby="cluster").texts
    columns, keys = list(explained.obs), set(explained.uns)
    assert written(md.MuData({"rna": explained}), tmp_path, groupby="cluster").sections[0] == "umap"
    explained.write_h5ad(tmp_path / "a.h5ad")
    lazy = ad.experimental.read_lazy(tmp_path / "a.h5ad")
    found = written(lazy, tmp_path, groupby="cluster").texts
    minute = re.compile(r"\d\d:\d\d UTC")
    assert [minute.sub("", text) for text in found] == [minute.sub("", text) for text in expected]
    assert (list(explained.obs), set(explained.uns)) == (columns, keys)


def test_colours_of_scanpy_and_grey_for_unknown(explained):
    names = sorted(explained.obs["annotation"].cat.categories)
    found = _report_figures.label_colours(explained, "annotation", names)
    assert found["unknown"] == UNKNOWN_COLOR
    assert len(set(found.values())) == len(names)
    del explained.uns["annotation_colors"]
    assert _report_figures.label_colours(explained, "annotation", names)["unknown"] == UNKNOWN_COLOR
    explained.uns["annotation_colors"] = [f"#0000{i:02x}" for i in range(len(names))]
    found = _report_figures.label_colours(explained, "annotation", names)
    assert list(found.values()) == explained.uns["annotation_colors"]


def test_figures_have_no_style_of_the_user_and_none_stays_open(explained, tmp_path):
    before = plt.get_fignums()
    plain = written(explained, tmp_path).loaded
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30}):
        assert written(explained, tmp_path).loaded == plain
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("report.pdf", ValueError, "must end in .html"),
        ("no/report.html", FileNotFoundError, "the folder .* does not exist"),
        ("other.html", FileExistsError, "exists and is not a report of sc_duality"),
        ("folder.html", FileExistsError, "exists and is not a report of sc_duality"),
    ],
)
def test_files_that_are_refused(explained, tmp_path, name, error, message):
    (tmp_path / "other.html").write_text("my notes")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(error, match=message):
        sd.io.write_report(explained, tmp_path / name)
    assert (tmp_path / "other.html").read_text() == "my notes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.html", "other.html"]


@pytest.mark.parametrize(
    ("how", "error"), [({"key": "no"}, KeyError), ({"groupby": "no"}, KeyError), ({"n_genes": 0}, ValueError)]
)
def test_bad_arguments_leave_the_earlier_report(explained, tmp_path, how, error):
    path = tmp_path / "report.html"
    sd.io.write_report(explained, path)
    before = path.read_bytes()
    with pytest.raises(error):
        sd.io.write_report(explained, path, **how)
    assert path.read_bytes() == before


# --- a real browser ---------------------------------------------------------------------------------------------


def browse(path: Path, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """What Chromium prints of this page, with a new profile and no network."""
    arguments = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, path.as_uri()]
    environment = {**os.environ, "HOME": str(folder)}
    return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120, env=environment)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_the_page(explained, tmp_path):
    written(explained, tmp_path, groupby="cluster")
    path, picture = tmp_path / "report.html", tmp_path / "page.png"
    shown = browse(path, tmp_path, "--dump-dom")
    texts = Page(shown.stdout).texts
    for group, row in sd.get.summary(explained, groupby="cluster").iterrows():
        assert {group, row["label"], row["deciding_genes"]} <= set(texts)
    assert "CONSOLE" not in shown.stderr
    browse(path, tmp_path, "--window-size=1280,2600", f"--screenshot={picture}")
    pixels = plt.imread(picture)[..., :3]
    assert pixels.shape == (2600, 1280, 3)
    coloured = (pixels.max(axis=2) - pixels.min(axis=2)) > 0.25
    rows = np.flatnonzero(coloured.any(axis=1))
    assert coloured.sum() > 10_000  # dots, bars and histograms
    assert rows.max() - rows.min() > 1000
    assert (pixels.min(axis=2) < 0.3).sum() > 5_000  # text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_would_refuse_what_lies_elsewhere(explained, tmp_path):
    """The test above would notice a page that loads a picture from a server."""
    written(explained, tmp_path)
    path = tmp_path / "report.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<main>", '<main><img src="http://localhost:9/x.png">'), encoding="utf-8")
    assert "Content Security Policy" in browse(path, tmp_path, "--dump-dom").stderr
