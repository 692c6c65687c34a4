"""A task of a user, outside the package, with one template."""

from dataclasses import dataclass, replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.duality import duality_score
from sc_duality.examples import ModelCells, build, sample_examples

GENES = [f"G{i}" for i in range(12)]
TISSUES = ["blood", "bone marrow"]


@pytest.fixture
def task_class(tmp_path):
    (tmp_path / "compact.jinja").write_text(
        "{% macro prompt(example) %}<tissue> <cell> {{ example.genes | join(' ') }} <of>{% endmacro %}\n"
        "{% macro dual_prompt(example, answer) %}<inpaint>{% if answer %} <of> {{ answer | replace(' ', '_') }}"
        "{% endif %} <cell> {{ example.observed | join(' ') }} <hidden>{% endmacro %}\n"
    )

    @dataclass(frozen=True, kw_only=True, eq=False)
    class Tissue(sd.tasks.LabelTask):
        """Cell → tissue."""

        name = "tissue"
        templates = tmp_path

    return Tissue


@pytest.fixture
def cells():
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"tissue": TISSUES * 10}, index=[f"cell{i}" for i in range(20)])
    return ad.AnnData(rng.poisson(5, (20, 12)).astype(np.float32), obs, pd.DataFrame(index=GENES))


@pytest.fixture
def model(scripted_model, monkeypatch):
    """A model in the compact format that knows these genes."""
    found = scripted_model("<of> bone_marrow", "?", n_genes=6)
    monkeypatch.setattr(type(found.spec), "genes", frozenset(GENES))
    found.spec = replace(found.spec, prompt_format="compact")
    return found


def test_question_and_dual(task_class):
    task = task_class(labels=TISSUES, prompt_format="compact")
    example = sd.tasks.LabelExample(genes=("G1", "G2"), options=tuple(TISSUES), hidden_genes=("G3",), observed=("G1",))
    question = task.question(example)
    assert question.prompt == "<tissue> <cell> G1 G2 <of>"
    assert question.completions() == ["blood", "bone_marrow"]
    assert question.parse("bone_marrow").value == "bone marrow"
    dual = task.dual(example, "bone marrow")
    assert dual.prompt == "<inpaint> <of> bone_marrow <cell> G1 <hidden>"
    assert dual.completion(dual.target) == "G3"
    assert task.dual(example, None).prompt == "<inpaint> <cell> G1 <hidden>"


def test_a_prompt_format_without_a_template_is_named(task_class):
    example = sd.tasks.LabelExample(genes=("G1",), options=tuple(TISSUES))
    with pytest.raises(ValueError, match=r"'plain' has no template for the task 'tissue': write plain\.jinja in"):
        task_class(prompt_format="plain").question(example)


def test_examples_and_duality_score(task_class, cells, model):
    examples = build(task_class(truth="tissue"), ModelCells(cells, model.spec))
    assert examples.options == ("blood", "bone marrow")
    found = examples.with_hidden(slice(None), seed=0)
    answers = [TISSUES[i % 2] for i in range(20)]
    scores = duality_score(model, examples.task, found, answers, sd.Duality())
    np.testing.assert_allclose(scores, [0.25, 0.75] * 10)
    pool = examples.labelled(np.ones(20, bool))
    for one in sample_examples(examples.cells, pool, 8, np.random.default_rng(0), augment=False):
        assert one.example.truth in TISSUES
        assert set(one.wrong) == set(TISSUES) - {one.example.truth}
        assert len(one.texts()) == 2
    assert examples.knowledge() == {"labels": TISSUES}


@pytest.mark.parametrize("form", ["sample", "likelihood"])
def test_answers_without_a_dual_have_no_score(task_class, cells, model, form):
    class OnlyBlood(task_class):
        def dual(self, example, answer):
            return None if answer == "bone marrow" else super().dual(example, answer)

    examples = build(OnlyBlood(truth="tissue"), ModelCells(cells, model.spec))
    found = examples.with_hidden(slice(0, 3), seed=0)
    answers = ["bone marrow", "blood", "bone marrow"]
    scores = duality_score(model, examples.task, found, answers, sd.Duality(form=form, n_samples=1))
    assert np.isnan(scores).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="has no dual for the answer 'bone marrow'"):
        duality_score(model, examples.task, found, answers, sd.Duality())


def test_unknown_genes_are_counted(task_class, cells, model):
    examples = build(task_class(truth="tissue"), ModelCells(cells, model.spec))
    dual = examples.task.dual(examples.with_hidden(slice(0, 1), seed=0)[0], "blood")
    found = dual.parse("G1 X G1")
    assert (found.value, found.n_unknown, found.n_duplicates) == (("G1",), 1, 1)


@pytest.fixture
def parity(tmp_path, monkeypatch):
    """A task that is not a label task, and a builder that reads its truth from the name of the cell."""
    folder = tmp_path / "parity"
    folder.mkdir()
    (folder / "compact.jinja").write_text(
        "{% macro prompt(example) %}<parity> {{ example.number }}{% endmacro %}\n"
        "{% macro dual_prompt(example, answer) %}<of> {{ answer or 'any' }} <number>{% endmacro %}\n"
    )

    @dataclass(frozen=True, kw_only=True)
    class ParityExample(sd.tasks.Example):
        number: str

        @property
        def hidden(self):
            return self.number

    @dataclass(frozen=True, kw_only=True, eq=False)
    class Parity(sd.tasks.Task):
        """Number of a cell → even or odd."""

        name = "parity"
        templates = folder

        def answer_type(self, example):
            return self.template.label(("even", "odd"))

        def dual_answer_type(self, example):
            return self.template.label(tuple(map(str, range(4))))

    class ParityExamples(sd.examples.Examples):
        task_class = Parity

        def labelled(self, rows):
            found = np.flatnonzero(rows & self.cells.readable)
            return sd.examples.Pool(found, np.ones(len(found)), self._example)

        def _example(self, row, genes, rng):
            return sd.tasks.TrainingExample(self.task, ParityExample(number=str(row), truth=("even", "odd")[row % 2]))

        def unlabelled(self, n, rng, *, augment=False, with_truth=False):
            return [self._example(row % 4, [], rng) for row in range(n)]

    monkeypatch.setattr("sc_duality.examples._builders._BUILDERS", {})
    sd.examples.register(ParityExamples)
    return Parity


def test_a_builder_of_the_user(parity, cells, scripted_model, model):
    examples = build(parity(), ModelCells(cells[:4].copy(), model.spec))
    assert type(examples.task) is parity
    assert [task.name for task in sd.examples.to_tasks(["parity"])] == ["parity"]
    pool = examples.labelled(np.ones(4, bool))
    for one in sample_examples(examples.cells, pool, 8, np.random.default_rng(0), augment=True):
        number = one.example.number
        truth = ("even", "odd")[int(number) % 2]
        assert one.texts() == [(f"<parity> {number}", truth), (f"<of> {truth} <number>", number)]
    found = [one.example for one in examples.unlabelled(2, None)]
    verifier = scripted_model("<of> even", "0")
    scores = duality_score(verifier, examples.task, found, ["even", "even"], sd.Duality())
    np.testing.assert_allclose(scores, [3 / 6, 1 / 6])  # 0 is three times as likely as each other number
