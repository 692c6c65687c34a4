"""The tables of Cell-o1 on a small model: one that names the candidates in the order of the list."""

from __future__ import annotations

import re

import numpy as np
import pytest

import sc_duality as sd
from benchmarks import _cell_o1_tables as tables
from tests.scripted_model import ScriptedModel

SAMPLING = sd.Sampling(max_tokens=50)


class InOrder(ScriptedModel):
    """Gives the cells of a puzzle the candidates as they are listed, and names free types "B cell"."""

    def generate(self, prompts, sampling):
        self.prompts += prompts
        return [f"<answer>{self.answer(prompt)}</answer>" for prompt in prompts]

    def answer(self, prompt):
        listed = re.search(r"(?:exactly once|these cell types): (.*)", prompt)
        n = len(re.findall(r"^Cell \d+, its", prompt, re.MULTILINE))
        if listed is None:
            return " | ".join(["B cell"] * n)
        return listed[1] if n > 1 else listed[1].split(" | ")[0]


@pytest.fixture
def puzzles():
    sd.settings.progress = False
    made = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", (), n_puzzles=6, n_cells=(3, 4), n_genes=10)
    made.obs["disease"] = np.where(made.obs["puzzle"].astype(str).str.endswith(("1", "2")), "healthy", "lupus")
    return made


def test_whole_puzzles(puzzles):
    table = tables.whole_puzzles(puzzles, InOrder(texts=[]), SAMPLING)
    labels = puzzles.obs["cell_type"].astype(str) == puzzles.obs["annotation"].astype(str)
    by_puzzle = labels.groupby(puzzles.obs["puzzle"].astype(str))
    assert table["cell_accuracy"]["value"] == pytest.approx(by_puzzle.mean().mean(), abs=1e-4)
    assert table["batch_accuracy"]["value"] == pytest.approx(by_puzzle.all().mean(), abs=1e-4)
    assert table["format_validity"]["value"] == table["uniqueness"]["value"] == 1
    assert set(table["by_n"]) <= {"3", "4"}


def test_each_disease(puzzles):
    table = tables.by_disease(puzzles, InOrder(texts=[]), SAMPLING)
    assert list(table) == ["healthy", "lupus"]
    del puzzles.obs["disease"]
    with pytest.raises(SystemExit, match="a column 'disease'"):
        tables.by_disease(puzzles, InOrder(texts=[]), SAMPLING)


def test_cells_alone_choose_from_the_candidates_of_their_puzzle(puzzles):
    model = InOrder(texts=[])
    table = tables.cell_by_cell(puzzles, model, SAMPLING)
    assert table["cell_level"]["uniqueness"]["value"] < 0.5
    assert table["cell_level"]["batch_accuracy"]["value"] == 0
    assert table["batch_level"]["uniqueness"]["value"] == 1
    alone = [prompt for prompt in model.prompts if "Cell 2" not in prompt]
    assert len(alone) >= puzzles.obs["cell"].nunique() - 2


def test_free_names_are_compared_by_meaning(puzzles, monkeypatch):
    def encode(texts):
        return np.array([[1.0, 0.0] if "B cell" in text else [0.0, 1.0] for text in texts])

    monkeypatch.setattr(sd.models, "sentence_encoder", lambda _: encode)
    table = tables.free_names(puzzles, InOrder(texts=[]), SAMPLING, "medcpt")
    assert 0 < table["open_ended"]["cell_accuracy"] < 0.6
    assert table["open_ended"]["batch_accuracy"] == 0
    assert table["constrained"]["uniqueness"]["value"] == 1
