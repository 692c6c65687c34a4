"""``benchmarks.gpu`` on a CPU: its arithmetic, what it keeps and resumes, and every part with small sizes."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

import sc_duality as sd
from benchmarks import _gpu_cells as cells
from benchmarks import gpu
from benchmarks._gpu_device import halved
from benchmarks._gpu_flops import ModelSize, forward_flops, mfu, model_size, training_flops
from benchmarks._gpu_grpo import EXPERIENCE, REWARDS, ROLLOUT, phases
from benchmarks._gpu_model import config_of, random_model
from benchmarks._gpu_parts import measured
from benchmarks._gpu_scoring import full_batch, share_of_all
from benchmarks._gpu_setting import GPU, SMALL, Setting
from benchmarks._gpu_sft import IGNORED, collated, token_rows
from benchmarks._gpu_share import OutOfTimeError, Share, medians, time_limit
from benchmarks._gpu_steps import measured_steps, training_rates
from benchmarks._results import RESULTS

CPU = torch.device("cpu")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(device=CPU, sizes=SMALL, shape="tiny", folder=tmp_path)


def grouped_llama() -> Any:
    """Fewer heads of keys than of queries, an own width of heads, and logits of untied weights."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            attn_implementation="eager",
        )
    )


def tied_shape() -> Any:
    config = config_of("tiny", 50)
    config._attn_implementation = "eager"
    return LlamaForCausalLM(config)


# --- arithmetic -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [grouped_llama, tied_shape])
@pytest.mark.parametrize(("rows", "length"), [(1, 7), (3, 40)])
def test_operations_are_those_that_torch_counts(made: Any, rows: int, length: int) -> None:
    model, ids = made(), torch.randint(3, 50, (rows, length))
    with FlopCounterMode(display=False) as training:
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(input_ids=ids, use_cache=False, logits_to_keep=1)
    size, lengths = model_size(model), [length] * rows
    # torch also counts the products that make the angles of rotary embeddings.
    assert training_flops(size, lengths) == pytest.approx(training.get_total_flops(), rel=2e-3)
    assert forward_flops(size, lengths) == pytest.approx(forward.get_total_flops(), rel=5e-3)


def test_operations_counted_by_hand() -> None:
    size = ModelSize(body=10, head=3, layers=2, width=4)
    assert training_flops(size, [2, 3]) == 6 * 13 * 5 + 12 * 2 * 4 * (4 + 9)
    assert forward_flops(size, iter([2, 3])) == 2 * 10 * 5 + 2 * 3 * 2 + 4 * 2 * 4 * (4 + 9)


def test_mfu_is_a_share_of_the_measured_rate() -> None:
    assert mfu(2e12, 4.0, 1.0) == 0.5
    assert mfu(2e12, 4.0, None) is None


def test_rates_leave_out_the_first_step_and_padding() -> None:
    size = ModelSize(body=10**9, head=0, layers=1, width=1)
    steps = [{"seconds": 100.0, "lengths": [5, 5]}, {"seconds": 0.5, "lengths": [20, 30]}, {"lengths": [1]}]
    found = training_rates(steps, size, 1.0)
    assert (found["steps"], found["tokens_per_s"], found["tokens_per_text"]) == (1, 100.0, 25.0)
    assert found["mfu"] == pytest.approx(6 * 10**9 * 50 / 0.5 / 1e12, rel=1e-3)


def test_phases_add_up_to_a_step() -> None:
    step = {"seconds": 10.0, "training_step": 9.0, EXPERIENCE: 6.0, ROLLOUT: 3.0, REWARDS: 2.0}
    found = phases([step, step], 16)
    names = ("rollout_s", "rewards_s", "reference_s", "update_s", "optimizer_s")
    assert [found[name] for name in names] == [3.0, 2.0, 1.0, 3.0, 1.0]
    assert sum(found[name] for name in names) == found["seconds_per_step"]


@given(st.integers(1, 3000), st.integers(0, 3000))
def test_a_batch_is_halved_until_it_fits(size: int, limit: int) -> None:
    def work(n: int) -> str:
        if n > limit:
            raise torch.OutOfMemoryError
        return f"{n} fit"

    sizes = [size >> i for i in range(size.bit_length())]
    fitting = [n for n in sizes if n <= limit]
    if fitting:
        assert halved(work, size, CPU) == (f"{fitting[0]} fit", fitting[0])
    else:
        with pytest.raises(torch.OutOfMemoryError):
            halved(work, size, CPU)


# --- time -------------------------------------------------------------------------------------------------------


def test_work_has_turns_and_a_warm_up() -> None:
    calls: list[str] = []
    work = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert set(medians(work, Share(0), most=20)) == {"a", "b"}
    assert "".join(calls) == "ab" * 3
    calls.clear()
    medians(work, Share(60), most=5)
    assert "".join(calls) == "ab" * 6


def test_time_ends() -> None:
    with pytest.raises(OutOfTimeError), time_limit(0.05):
        time.sleep(20)
    with time_limit(20):
        pass


class FakeTrainer:
    """The methods of TRL's trainers that are replaced."""

    saved = 0

    def rollout(self) -> None:
        time.sleep(0.02)

    def training_step(self, model: None, inputs: dict[str, torch.Tensor]) -> None:
        self.rollout()

    def _save_checkpoint(self) -> None:
        type(self).saved += 1

    def train(self, n: int) -> None:
        for _ in range(n):
            self.training_step(None, {"attention_mask": torch.tensor([[1, 1, 0], [1, 0, 0]])})
            self._save_checkpoint()
            time.sleep(0.02)


@pytest.mark.parametrize(("seconds", "n_steps"), [(0.0, 2), (60.0, 4)])
def test_steps_of_a_trainer(seconds: float, n_steps: int) -> None:
    original = FakeTrainer.training_step
    with measured_steps(FakeTrainer, CPU, Share(seconds), most=4, methods=["rollout"]) as steps:
        FakeTrainer().train(10)
    assert len(steps) == n_steps
    for step in steps:
        assert step["lengths"] == [2, 1]
        assert 0.02 <= step["rollout"] <= step["training_step"] <= step["seconds"] - 0.02
    assert FakeTrainer.training_step is original
    assert FakeTrainer.saved == 0


# --- what is kept -----------------------------------------------------------------------------------------------


def test_figures_are_kept_and_a_stopped_part_is_repeated(setting: Setting) -> None:
    runs = itertools.count()

    def part(ready: Setting) -> Iterator[tuple[str, Any]]:
        assert ready.found == {"card": {"rate": 1}}
        yield "first", next(runs)
        kept = json.loads((setting.folder / "part.json").read_text())
        assert kept["figures"] == {"first": 0}
        assert kept["problem"] == "not finished"
        raise RuntimeError("CUDA error")

    def whole(_: Setting) -> Iterator[tuple[str, Any]]:
        yield "second", {"value": 2}

    def unused(_: Setting) -> Iterator[tuple[str, Any]]:
        raise AssertionError("a finished part is measured again")
        yield

    stopped = measured("part", part, setting, 60, {"card": {"rate": 1}})
    assert (stopped.figures, stopped.problem) == ({"first": 0}, "RuntimeError: CUDA error")
    done = measured("part", whole, setting, 60, {})
    assert done.problem is None
    assert done.figures["first"] == 0
    assert done.figures["second"]["value"] == 2
    assert "peak_memory_gib" in done.figures["second"]
    assert measured("part", unused, setting, 60, {}).figures == done.figures
    with pytest.raises(ValueError, match="another shape: pass another --folder"):
        measured("part", whole, replace(setting, shape="0.5b"), 60, {})


def test_a_part_that_takes_too_long_keeps_its_figures(setting: Setting) -> None:
    def part(_: Setting) -> Iterator[tuple[str, Any]]:
        yield "first", 1
        time.sleep(20)
        yield "second", 2

    found = measured("part", part, setting, 0.3, {})
    assert found.figures == {"first": 1}
    assert "OutOfTimeError" in (found.problem or "")


def test_parts_share_the_time(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[str, float] = {}

    def record(name: str, _part: Any, _setting: Setting, limit_s: float, _found: Any) -> Any:
        limits[name] = limit_s
        return type("Record", (), {"figures": {}})

    monkeypatch.setattr(gpu, "measured", record)
    gpu.records(setting, minutes=20)
    total = sum(share for _, share in gpu.PARTS.values())
    assert limits["card"] == pytest.approx(1200 * gpu.PARTS["card"][1] / total, rel=0.01)
    assert limits["vllm"] == pytest.approx(1200, rel=0.01)  # the others left it all


# --- cells and models -------------------------------------------------------------------------------------------


def test_thinned_cells_differ_and_have_fewer_counts() -> None:
    found, shipped = cells.thinned(700, 0), sd.datasets.pbmc3k()
    assert found.shape == (700, shipped.n_vars)
    assert len({row.tobytes() for row in found.X.toarray()}) == 700
    assert found.X.sum() / 700 == pytest.approx(cells.KEPT * shipped.X.sum() / shipped.n_obs, rel=0.05)


@pytest.mark.parametrize("installed", [True, False])
def test_at_least_500_cells_are_compared(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "find_spec", lambda _: installed or None)
    assert sum(one.n_obs for one in cells.compared_cells(0)) == (317 + 700 if installed else 2 * 317)
    assert GPU.compared_cells is None


def test_random_models_are_made_once_and_read_cells(tmp_path: Path) -> None:
    folder = random_model(tmp_path / "tiny", "tiny", n_genes=12, seed=0)
    weights = (folder / "model.safetensors").read_bytes()
    assert random_model(tmp_path / "tiny", "tiny", n_genes=12, seed=1) == folder
    assert (folder / "model.safetensors").read_bytes() == weights
    prompts, choices = cells.annotation_prompts(cells.thinned(3, 0), str(folder))
    assert [len(prompt.split()) for prompt in prompts] == [12 + 3] * 3
    assert choices == [label.replace(" ", "_") for label in sd.models.resolve("embedded").known("annotation", "labels")]
    assert len(cells.generation_prompts(str(folder), 50)) == 50


def test_full_batches_have_the_tokens_of_all_prompts(setting: Setting) -> None:
    ids = [[1, 2, 3, 4]] * 5 + [[5, 6, 7]] * 2
    batch = full_batch(setting, ids, 9)
    assert batch.tolist() == [[1, 2, 3, 4]] * 2
    assert share_of_all(setting, ids, 9) == pytest.approx(26 / (3 * 8))


def test_training_texts_have_a_loss_on_completions_only(setting: Setting) -> None:
    rows = token_rows(setting)
    assert len(rows) == 4 * SMALL.sft_cells  # both directions of two tasks
    batch = collated(rows[:6])
    for (ids, n_prompt), row, labels, mask in zip(rows, *map(torch.Tensor.tolist, batch.values()), strict=False):
        assert row[: len(ids)] == ids
        assert labels[: len(ids)] == [IGNORED] * n_prompt + ids[n_prompt:]
        assert set(labels[len(ids) :]) <= {IGNORED}
        assert mask == [1] * len(ids) + [0] * (len(row) - len(ids))


# --- the whole --------------------------------------------------------------------------------------------------


def test_a_missing_package_is_named() -> None:
    code = "import sys; sys.modules['anndata'] = None; import benchmarks.gpu"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 1
    assert "benchmarks.gpu cannot import anndata: install sc-duality" in done.stderr


@pytest.mark.slow
def test_every_part_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (RESULTS / "gpu.json").exists()
    monkeypatch.setattr(sys, "argv", ["gpu", "--quick", "--minutes", "60", "--folder", str(tmp_path)])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sd.settings, "progress", sd.settings.progress)
    monkeypatch.setattr(sd.settings, "cache", sd.settings.cache)
    gpu.main()
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["not_finished"] == {}
    assert (RESULTS / "gpu.json").exists() == before
    assert {"device", "shape", "seconds", *gpu.PARTS} <= set(figures)
    assert figures["card"]["matmul_float32_tflop_per_s"] > 0
    assert figures["card"]["matmul_bfloat16_tflop_per_s"] > 0
    for name in ("embedded", "tiny"):
        scoring, generation = (figures["engine"][f"{name}_{what}"] for what in ("scoring", "generation"))
        assert (
            0
            < scoring["scored_over_bound"]
            == pytest.approx(scoring["scored_cells_per_s"] / scoring["bound_cells_per_s"], abs=0.01)
        )
        assert scoring["bound_mfu"] > 0
        assert generation["generated_tokens_per_s"] > 0
        assert 1 <= generation["tokens_per_completion"] <= SMALL.new_tokens
    for name in ("plain_torch", "train_sft"):
        assert figures["sft"][name]["tokens_per_s"] > 0
        assert figures["sft"][name]["mfu"] > 0
        assert figures["sft"][name]["texts_per_step"] == SMALL.sft_texts
    for step in (figures["grpo"]["embedded_annotation"], figures["grpo"]["tiny_generation"]):
        assert step["completions_per_step"] == SMALL.grpo_prompts * SMALL.grpo_group
        parts = [value for name, value in step.items() if name.endswith("_s")]
        assert sum(parts) == pytest.approx(step["seconds_per_step"], abs=1e-3)
        assert min(parts) > 0
    assert figures["agreement"]["float32"]["label_agreement"] == 1
    assert figures["agreement"]["float32"]["loglik_max_difference_nats"] == 0
    assert 0 < figures["agreement"]["bfloat16"]["loglik_max_difference_nats"] < 1
    assert figures["vllm"] == {"not_measured": "needs a CUDA GPU and vLLM"}

    monkeypatch.setattr(gpu, "PARTS", {name: (None, share) for name, (_, share) in gpu.PARTS.items()})
    gpu.main()
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: again[name] for name in gpu.PARTS} == {name: figures[name] for name in gpu.PARTS}
