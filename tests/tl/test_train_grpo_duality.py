"""GRPO by duality: the reward rises, runs resume, no label is read, and unusable input is refused before loading."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.rewards import joint_annotation_reward
from sc_duality.tasks import Annotation, LabelExample, Question, TrainingExample

pytest.importorskip("trl")

from transformers import PreTrainedModel

from benchmarks._toy_model import PERTURBATIONS, TYPES, save_toy, toy_cells
from tests.train.toy_model import StoppedError, same_history, same_weights, save_verifier, stop

TRUTH = {"annotation": {"truth": "cell_type"}}
LABELLED = {"tasks": TRUTH, "eval_adatas": toy_cells(20, seed=1)}
SHORT = {
    "max_steps": 4, "generation_batch_size": 16, "batch_size": 8, "num_generations": 4, "learning_rate": 1e-3,
}  # fmt: skip
LONG = {"max_steps": 24, "num_generations": 16, "generation_batch_size": 128, "batch_size": 128, "beta": 0.01}
RESPONSE = {"response": {"perturbation": "treatment", "perturbations": PERTURBATIONS}}


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    return save_verifier(tmp_path_factory.mktemp("toy") / "verifier")


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toy") / "random")


def align(model, output_dir, cells=None, **settings):
    cells = toy_cells() if cells is None else cells
    return sd.tl.train_grpo_duality(cells, model, output_dir, **{**SHORT, **settings})


@pytest.fixture(scope="module")
def aligned(random, tmp_path_factory):
    """A short run of two tasks with evaluation."""
    settings = {**LABELLED, "tasks": {**TRUTH, "generation": {"truth": "cell_type"}}}
    return align(random, tmp_path_factory.mktemp("toy") / "aligned", **settings), settings


@pytest.fixture
def examples_of(random, tmp_path, monkeypatch):
    """Find the training examples of a run without training."""

    def examples_of(**settings):
        found = []
        monkeypatch.setattr("sc_duality.train._grpo.align", lambda _, examples, *__, **___: found.extend(examples))
        align(random, tmp_path, **settings)
        return found

    return examples_of


# --- it works ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "rise"),
    [
        (
            {
                "duality": sd.Duality(form="likelihood"),
                "lora": 8,
                "learning_rate": 1e-2,
                **LABELLED,
                "reward": ["duality", sd.rewards.format_reward],
                "reward_weights": [1, 3],
            },
            0.3,
        ),
        ({"duality": sd.Duality(form="sample", verifier="policy"), "learning_rate": 1e-3, "max_steps": 40}, 0.1),
    ],
    ids=["likelihood-lora", "sample"],
)
def test_reward_rises(verifier, tmp_path, settings, rise):
    cells = toy_cells()
    model, history = align(verifier, tmp_path / "out", cells, **{**LONG, **settings})
    assert history["reward"].tail(8).mean() > history["reward"].head(8).mean() + rise
    assert history["duality_annotation/valid"].between(0.5, 1).all()
    sd.tl.annotate(cells, model, labels=TYPES)
    assert (cells.obs["annotation"] == cells.obs["cell_type"]).mean() > 0.9
    if "eval_adatas" in settings:
        record = json.loads((model / "training.json").read_text())
        assert record["accuracy_before"]["annotation"]["primal"] < 0.7 < record["accuracy"]["annotation"]["primal"]
        assert history["annotation/dual_accuracy"].iloc[-1] > 0.9


@pytest.mark.slow
def test_output_of_a_run(aligned):
    (model, history), _ = aligned
    assert {"config.json", "model.safetensors", "sc_duality.json", "history.csv", "training.json"} <= {
        file.name for file in model.iterdir()
    }
    assert not (model / "unfinished").exists()
    assert history.index.tolist() == [1, 2, 3, 4]
    columns = {"reward", "reward_std", "kl", "entropy", "length", "cut_off", "zero_variance", "tokens_per_second"}
    assert columns | {"duality_annotation/mean", "duality_generation/valid", "generation/dual_accuracy"} <= set(history)
    assert sd.models.resolve(model).known("annotation", "labels") == TYPES


@pytest.mark.slow
def test_no_label_is_read(random, tmp_path):
    """Neither the cell types nor anything else in ``obs``."""
    cells, bare = toy_cells(), toy_cells()
    bare.obs = pd.DataFrame(index=bare.obs_names)
    one, other = align(random, tmp_path / "with", cells), align(random, tmp_path / "without", bare)
    same_history(one.history, other.history)
    same_weights(one.model, other.model)


@pytest.mark.parametrize("hidden", ["beyond", "cluster"])
def test_other_hidden_genes(examples_of, hidden):
    cluster = "cluster" if hidden == "cluster" else None
    examples = examples_of(n_genes=3, duality=sd.Duality(hidden=hidden, cluster=cluster))
    assert examples
    for one in examples:
        shown, hidden_genes = one.example.genes, one.example.hidden_genes
        assert 0 < len(hidden_genes) <= 3
        assert hidden == "cluster" or not set(shown) & set(hidden_genes)
        assert one.example.truth is None
    assert any(one.example.genes != one.example.hidden_genes for one in examples)


def test_the_preset_of_the_paper(examples_of):
    examples = examples_of(preset="cellduality")
    assert examples
    for one in examples:
        assert set(one.example.genes) == set(one.example.observed)
        assert not set(one.example.observed) & set(one.example.hidden_genes)
        assert len(one.example.hidden_genes) <= 2  # 30 % of six genes
    examples = examples_of(preset="cellduality", duality=sd.Duality())  # arguments come before the preset
    assert all(one.example.observed == () for one in examples)


def test_augmented_cells(examples_of, monkeypatch):
    monkeypatch.setattr("sc_duality.examples._augment._MIN_GENES", 1)
    plain, augmented = examples_of(), examples_of(augment=True)
    assert {len(one.example.genes) for one in plain} == {6}
    assert min(len(one.example.genes) for one in augmented) < 6


def own_reward(completions, question, example, **columns):
    """1 for a readable answer; every reward gets these columns."""
    assert all(isinstance(one, Question) for one in question)
    assert all(isinstance(one, LabelExample) for one in example)
    assert {"prompts", "completion_ids", "trainer_state"} <= set(columns)
    assert len(completions) == len(question) == len(example)
    assert all(one.answer_type.options == cell.options for one, cell in zip(question, example, strict=True))
    return [float(text.strip() in one.completions()) for one, text in zip(question, completions, strict=True)]


@pytest.mark.slow
def test_functions_and_named_rewards_are_added(verifier, tmp_path):
    rewards = [own_reward, "duality", sd.rewards.format_reward, "ground_truth"]
    model, history = align(
        verifier,
        tmp_path / "out",
        reward=rewards,
        reward_weights=[1, 2, 0.5, 1],
        tasks=TRUTH,
        max_steps=2,
        batch_size=16,
    )
    names = ["own_reward", "duality_annotation", "format_reward", "ground_truth_annotation"]
    means = history[[f"{name}/mean" for name in names]].to_numpy()
    np.testing.assert_allclose(history["reward"], means @ [1, 2, 0.5, 1], atol=1e-5)
    assert history["own_reward/mean"].between(0.5, 1).all()
    assert history["ground_truth_annotation/mean"].between(0.05, 0.95).all()
    np.testing.assert_allclose(history["format_reward/mean"], history["own_reward/mean"] - 1, atol=1e-6)
    record = json.loads((model / "training.json").read_text())
    assert record["reward"] == ["own_reward", "duality", "format_reward", "ground_truth"]
    assert record["reward_weights"] == [1, 2, 0.5, 1]


@pytest.mark.slow
def test_pseudo_label_is_agreement_with_the_start(random, tmp_path, monkeypatch):
    """The reward is 1 for the option that the model preferred before training."""
    from sc_duality.train._task_reward import TaskReward

    trained = sd.tl.train_sft(
        toy_cells(), random, tmp_path / "start", tasks=TRUTH, held_out=0, num_train_epochs=4, learning_rate=1e-2
    ).model
    start, seen = sd.models.load(trained), []
    call = TaskReward.__call__

    def record(self, prompts, completions, *args, **columns):
        found = call(self, prompts, completions, *args, **columns)
        seen.extend(zip(prompts, completions, found, strict=True))
        return found

    monkeypatch.setattr(TaskReward, "__call__", record)
    settings = {"max_steps": 2, "temperature": 2.0, "generation_batch_size": 64, "batch_size": 64}
    align(trained, tmp_path / "out", reward="pseudo_label", **settings)
    tokens = [name.replace(" ", "_") for name in TYPES]
    prompts = list(dict.fromkeys(prompt for prompt, _, _ in seen))
    best = dict(zip(prompts, start.score(prompts, tokens).argmax(1), strict=True))
    assert len(seen) == 128
    assert len(set(best.values())) > 1
    assert {reward for *_, reward in seen} == {0.0, 1.0}
    assert [reward for *_, reward in seen] == [float(text.strip() == tokens[best[prompt]]) for prompt, text, _ in seen]


# --- it can be stopped ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("cause", "at"), [("killed", 2), ("full", 4), ("killed", 4)])
def test_a_stopped_run_resumes_to_the_same_bits(random, aligned, tmp_path, monkeypatch, cause, at):
    with monkeypatch.context() as patch:
        stop(patch, at, cause=cause)
        with pytest.raises((StoppedError, OSError)) as error:
            align(random, tmp_path / "out", **aligned[1])
    last = 2 if cause == "full" else at
    assert f"checkpoint-{last} is complete: fix the cause and call again to resume" in error.value.__notes__[0]
    assert "GiB left" in error.value.__notes__[0]
    again = align(random, tmp_path / "out", **aligned[1])
    same_history(aligned[0].history, again.history)
    same_weights(aligned[0].model, again.model)
    before, after = (json.loads((run.model / "training.json").read_text()) for run in (aligned[0], again))
    assert before == after


@pytest.mark.slow
def test_a_finished_run_is_returned_at_once(random, aligned, monkeypatch):
    monkeypatch.delattr(PreTrainedModel, "from_pretrained")
    again = align(random, aligned[0].model, **aligned[1])
    assert again.model == aligned[0].model
    pd.testing.assert_frame_equal(again.history, aligned[0].history, check_exact=True)


SCRIPT = """
import sys
import sc_duality as sd
from benchmarks._toy_model import TYPES, toy_cells
sd.settings.progress = False
if __name__ == "__main__":
    tasks = {"annotation": {"labels": TYPES}, "generation": {"labels": TYPES}}
    model, history = sd.tl.train_grpo_duality(
        toy_cells(), sys.argv[1], sys.argv[2], tasks=tasks, duality=sd.Duality(form="sample", verifier="policy"),
        max_steps=4, generation_batch_size=16, batch_size=8, num_generations=4, learning_rate=1e-3,
    )
    assert len(history) == 4, history
"""


@pytest.mark.processes
def test_two_processes(random, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
    paths = [str(Path(__file__).parents[2]), str(Path(sd.__file__).parents[1])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "ACCELERATE_LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(random), str(tmp_path / "out")],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = toy_cells(6)
    sd.tl.annotate(cells, tmp_path / "out", labels=TYPES)
    assert cells.obs["annotation"].notna().all()
    history = pd.read_csv(tmp_path / "out" / "history.csv", index_col="step")
    assert history["reward"].notna().tolist() == [True, False] * 2  # two updates a rollout
    assert len([*(tmp_path / "out").glob("*.safetensors")]) == 1


# --- what it refuses --------------------------------------------------------------------------------------------


@pytest.fixture
def no_weights(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", fail)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"tasks": "annotation"}, TypeError, "tasks must be a list or a mapping, got the string 'annotation'"),
        ({"tasks": []}, ValueError, "tasks must name one task or more, each once"),
        ({"tasks": ["puzzle"]}, ValueError, "there is no task 'puzzle'"),
        ({"tasks": ["joint_annotation"]}, ValueError, "was not trained for the task 'joint_annotation'"),
        ({"tasks": ["annotation", "annotation"]}, ValueError, "each once"),
        ({"reward": "accuracy"}, ValueError, "reward must be one of 'duality', 'ground_truth', 'pseudo_label', 'sem"),
        ({"reward": []}, ValueError, "reward must be one of"),
        ({"reward": sd.rewards.posterior}, ValueError, "reward=posterior takes log_likelihood, .*, but no completions"),
        ({"reward": sd.rewards.negative_mse}, ValueError, "takes generated, truth, but no completions"),
        ({"reward": sd.rewards.joint_annotation_reward}, ValueError, "needs the obs column with the true labels"),
        (
            {"reward": sd.rewards.gene_program_reward(["CD79A", "CD3E"]), "tasks": TRUTH},
            ValueError,
            "reward=gene_program_reward gives no reward to the true answers of annotation: pass a task whose",
        ),
        (
            {"reward": sd.rewards.gene_program_reward(["BAX", "CASP3"]), "tasks": {"generation": TRUTH["annotation"]}},
            ValueError,
            r"knows fewer than two of the 2 genes of the program \(BAX, CASP3",
        ),
        ({"reward_weights": [1, 2]}, ValueError, "reward_weights has 2 values for 1 rewards"),
        ({"reward": "semantic"}, ValueError, "needs the obs column with the true labels"),
        (
            {"reward": "semantic", "tasks": {"generation": TRUTH["annotation"]}},
            ValueError,
            "reward='semantic' compares texts, and .* have 0 true answers that differ and are texts",
        ),
        ({"reward": "ground_truth"}, ValueError, "needs the obs column with the true labels"),
        ({"eval_adatas": toy_cells(20)}, ValueError, "needs the obs column with the true labels"),
        ({"duality": sd.Duality(hidden="cluster", cluster="leiden")}, KeyError, "cluster='leiden' is not an obs col"),
        ({"preset": "quick"}, ValueError, "preset='quick' is not an option: choose from 'default', 'cellduality'"),
        ({"generation_batch_size": 10}, ValueError, "generation_batch_size=10 must be a multiple of num_generations=4"),
        ({"num_generations": 1}, ValueError, "num_generations must be at least 2"),
        ({"max_steps": 0}, ValueError, "max_steps must be a positive integer, got 0"),
        ({"beta": -1.0}, ValueError, "beta must not be negative"),
        ({"tasks": ["sensitivity"]}, TypeError, "drug"),
        ({"tasks": ["response"]}, ValueError, "needs the obs column with perturbations and the value of control"),
        ({"tasks": {"annotation": {"labels": "moon"}}}, ValueError, "labels='moon' is neither an obs column"),
        (
            {"tasks": {"annotation": {"labels": ["alpha cell", "delta cell"]}}},
            ValueError,
            r"does not know the labels \['delta cell'\]",
        ),
        ({"generation_batch_size": 400}, ValueError, "can read 60 cells, and a rollout of 400 .* needs 100 prompts"),
        ({"max_completion_length": 0}, ValueError, "max_completion_length must be a positive integer, got 0"),
        ({"max_completion_length": 40}, ValueError, "may have 40, but the model .* reads 32"),
        ({"context": ["organ"]}, KeyError, "context='organ' is not an obs column"),
        ({"lora": 0}, ValueError, "lora must be a positive rank or the fields of a peft.LoraConfig, got 0"),
        ({"num_train_epochs": 3}, TypeError, "num_train_epochs cannot be passed on to TRL"),
        ({"save_steps": 1, "seed": 3}, TypeError, "save_steps, seed cannot be passed on"),
        ({"steps": 3}, TypeError, "'steps' is not an argument of this function or of trl.GRPOConfig"),
        ({"num_generation": 4}, TypeError, "the nearest is 'num_generations'"),
        ({"top_pp": 0.9}, TypeError, "the nearest is 'top_p'"),
        ({"model": "endpoint:http://localhost:1/v1"}, ValueError, "behind a server: training needs the weights"),
        ({"model": 3}, TypeError, "model must be a name or a folder.*not int"),
        ({"adatas": []}, ValueError, "adatas is empty"),
    ],
)
def test_arguments(random, tmp_path, settings, error, message):
    settings = {"adatas": toy_cells(), "model": random, **SHORT, **settings}
    with pytest.raises(error, match=message):
        sd.tl.train_grpo_duality(settings.pop("adatas"), settings.pop("model"), tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_weights")
def test_unusable_folders(random, tmp_path):
    with pytest.raises(FileNotFoundError, match="no config.json"):
        align(tmp_path, tmp_path / "out")
    bare = save_toy(tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="weights as"):
        align(bare, tmp_path / "out")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files that are not a training run"):
        align(random, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("no_weights")
def test_a_folder_with_another_run(random, aligned):
    with pytest.raises(FileExistsError, match=r"a run with other settings \(.*max_steps\)"):
        align(random, aligned[0].model, **aligned[1] | {"max_steps": 2})
    with pytest.raises(FileExistsError, match=r"other settings \(.*data"):
        align(random, aligned[0].model, toy_cells(seed=3), **aligned[1])


@pytest.mark.slow
@pytest.mark.usefixtures("no_weights")
def test_a_folder_with_a_run_of_another_gene_program(tmp_path, random, monkeypatch):
    cells = toy_cells()
    genes = cells.var_names.tolist()
    tasks = {"generation": {"truth": "cell_type"}}
    monkeypatch.setattr("sc_duality.train._grpo.align", lambda *args, **_: args[4].begin())
    align(random, tmp_path / "out", reward=sd.rewards.gene_program_reward(genes[:3]), tasks=tasks)
    with pytest.raises(FileExistsError, match=r"other settings \(reward\)"):
        align(random, tmp_path / "out", reward=sd.rewards.gene_program_reward(genes[1:4]), tasks=tasks)


@pytest.mark.slow
def test_checkpoints_lie_between_rollouts_that_are_used_twice(tmp_path, random):
    align(random, tmp_path / "out", tasks=TRUTH, max_steps=8, num_iterations=2)
    checkpoints = (tmp_path / "out/checkpoints").glob("checkpoint-*")
    assert {one.name for one in checkpoints} == {"checkpoint-4", "checkpoint-8"}


@pytest.mark.slow
def test_two_rewards_of_one_name_are_logged_apart(tmp_path, random):
    rewards = [sd.rewards.gene_program_reward(genes) for genes in (["A0", "A1"], ["A1", "A2"])]
    found = align(random, tmp_path / "out", tasks={"generation": {"truth": "cell_type"}}, reward=rewards, max_steps=2)
    assert {f"gene_program_reward{end}/mean" for end in ("", "#2")} <= set(found.history.columns)


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("context_length", "settings", "message"),
    [
        (10, {}, r"prompt \d+ has 9 tokens and its answer may have 2, but the model .* reads 10"),
        (
            10,
            {"duality": sd.Duality(context="observed", hidden_fraction=0.5)},
            "a dual prompt has 8 tokens and its answer may have 3, .* is 10",
        ),
        (18, {"tasks": RESPONSE}, "a dual prompt has 10 tokens and its answer may have 9, .* is 18"),
    ],
)
def test_texts_beyond_the_context_length(tmp_path, context_length, settings, message):
    with pytest.raises(ValueError, match=message):
        align(save_toy(tmp_path / "short", context_length), tmp_path / "out", **settings)


def test_cells_without_known_genes(random, tmp_path):
    cells = toy_cells()
    cells.var_names = [f"X{i}" for i in range(cells.n_vars)]
    with pytest.raises(ValueError, match="knows 0 of the"):
        align(random, tmp_path / "out", cells)


# --- batches of cells -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_puzzles_are_trained_by_the_reward_of_cell_o1(tmp_path):
    tokens = ("<joint>", "<types>", "|", "<1>", "<2>")
    start = save_toy(tmp_path / "random", 64, tokens, tasks=["annotation", "joint_annotation"])
    tasks = {"joint_annotation": {"truth": "cell_type", "groupby": ["donor"], "n_cells": 2}}
    cells, trained = toy_cells(200), {"tasks": tasks, "augment": False}
    how = {"held_out": 0, "num_train_epochs": 6, "learning_rate": 1e-2}
    sft = sd.tl.train_sft(cells, start, tmp_path / "sft", **trained, **how).model
    how = {**LONG, "reward": joint_annotation_reward, "learning_rate": 3e-3}
    history = align(sft, tmp_path / "aligned", cells, **trained, **how).history
    reward = history["joint_annotation_reward/mean"]
    assert reward.between(-1, 1).all()
    assert reward.tail(3).mean() > reward.head(3).mean() + 0.1
    assert history["joint_annotation_reward/valid"].tail(3).mean() > 0.9


# --- gene changes ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_gene_changes_are_trained_by_rewards_of_a_program(tmp_path):
    start = save_toy(tmp_path / "random", 64, ("<change>", "<changed>", "|"), tasks=["gene_changes"])
    cells = toy_cells(80)
    genes = cells.var_names[:6].tolist()
    settings = {
        "tasks": {"gene_changes": {**RESPONSE["response"], "n_changed": 2}},
        "reward": [sd.rewards.gene_program_reward(genes), sd.rewards.embedding_reward(genes, np.eye(6)), "duality"],
        "max_steps": 2,
    }
    history = align(start, tmp_path / "aligned", cells, **settings).history.iloc[0]  # two updates a rollout
    assert -1 <= history["gene_program_reward/mean"] <= 1
    assert history["embedding_reward/mean"] < 0
    assert 0 <= history["duality_gene_changes/mean"] <= 1


# --- texts ----------------------------------------------------------------------------------------------------------


def test_the_semantic_reward_is_rescaled_by_unrelated_answers(monkeypatch):
    from sc_duality.tl import _grpo_settings

    def letters(texts):
        return [(np.eye(128)[[ord(letter) for letter in text]], [True] * len(text)) for text in texts]

    monkeypatch.setattr(_grpo_settings, "token_encoder", lambda: letters)
    annotation = Annotation()
    examples = [
        TrainingExample(annotation, LabelExample(genes=("CD3E",), options=("B cell", "T cell"), truth=truth))
        for truth in ("B cell", "T cell", "T cell")
    ]
    (reward,) = _grpo_settings.loaded(["semantic"], examples)
    assert reward.needs_truth
    questions = [one.question() for one in examples[:2]]
    assert reward(["<answer>B cell</answer>"] * 2, questions) == pytest.approx([1, 0])
    assert _grpo_settings.loaded(["duality"], examples) == ["duality"]
