"""A task of a user's own, which the model was not trained for before: SFT, prediction, GRPO and distillation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

import sc_duality as sd
from sc_duality.tasks import LabelTask

pytest.importorskip("trl")

from benchmarks._toy_model import TYPES, save_toy, toy_cells

TEMPLATE = """\
{% macro label(value) %}
<{{ value }}>
{% endmacro %}

{% macro prompt(example) %}
<annotate> <cell> {{ example.genes | join(" ") }} <tissue>
{% endmacro %}

{% macro dual_prompt(example, answer) %}
<inpaint>{% if answer %} <tissue> <{{ answer }}>{% endif %} <cell> {{ example.observed | join(" ") }} <hidden>
{% endmacro %}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("own-task")
    (folder / "compact.jinja").write_text(TEMPLATE)
    save_toy(folder / "start", more_tokens=("<tissue>", "<blood>", "<lung>"))
    return folder


@pytest.fixture(scope="module")
def tissue(folder) -> type[LabelTask]:
    @dataclass(frozen=True, kw_only=True, eq=False)
    class Tissue(LabelTask):
        """Cell → tissue."""

        name: ClassVar[str] = "tissue"
        templates: ClassVar[Path | None] = folder

    return Tissue


@pytest.fixture(scope="module")
def trained(folder, tissue):
    return sd.tl.train_sft(
        toy_cells(),
        folder / "start",
        folder / "trained",
        tasks=[tissue(truth="tissue")],
        held_out={"donor": ["d3"]},
        augment=False,
        num_train_epochs=16,
        learning_rate=1e-2,
    )


def test_the_start_does_not_know_the_task(folder, tissue):
    with pytest.raises(ValueError, match="was not trained for the task 'tissue', only for annotation"):
        sd.tl.predict(toy_cells(), tissue(truth="tissue"), folder / "start", key_added="predicted")
    with pytest.raises(ValueError, match="was not trained for the task 'tissue'"):
        sd.tl.train_grpo_duality(toy_cells(), folder / "start", folder / "refused", tasks=[tissue()])


@pytest.mark.slow
def test_the_trained_model_lists_the_task_and_its_labels(trained):
    spec = sd.models.resolve(trained.model)
    assert spec.tasks == ["annotation", "generation", "response", "sensitivity", "tissue"]
    assert spec.known("tissue", "labels") == ["blood", "lung"]
    assert spec.known("annotation", "labels") == TYPES
    assert "tissue/accuracy" in trained.history


@pytest.mark.slow
def test_predictions_by_the_trained_model(trained, tissue):
    cells = toy_cells(30, seed=1)
    sd.tl.predict(cells, tissue(), trained.model, key_added="predicted")
    assert (cells.obs["predicted"].astype(str) == cells.obs["tissue"]).mean() > 0.9
    assert cells.uns["predicted"]["params"]["labels"] == ["blood", "lung"]


@pytest.mark.slow
def test_grpo_from_the_trained_model(trained, tissue, folder):
    model, history = sd.tl.train_grpo_duality(
        toy_cells(),
        trained.model,
        folder / "aligned",
        tasks=[tissue(truth="tissue")],
        eval_adatas=toy_cells(20, seed=1),
        max_steps=2,
        generation_batch_size=16,
        batch_size=16,
        num_generations=4,
    )
    assert history["duality_tissue/mean"].notna().all()
    assert sd.models.resolve(model).known("tissue", "labels") == ["blood", "lung"]
    record = json.loads((model / "training.json").read_text())
    assert record["accuracy"]["tissue"]["primal"] > 0.9


@pytest.mark.slow
def test_distillation_of_the_task(trained, tissue, folder):
    found = sd.tl.distill(
        toy_cells(), trained.model, folder / "traces.jsonl", tasks=[tissue(truth="tissue")], n_examples=8
    )
    assert found.counts.loc[("tissue", "primal"), "accepted"] > 0
