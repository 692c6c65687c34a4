"""The command line: each command on a small case, and its messages on bad input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import anndata as ad
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.__main__ import main, run
from sc_duality._command_config import tool_arguments


@pytest.fixture(scope="module", autouse=True)
def quiet():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sd.settings, "progress", False)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 32 real cells of all types, with their sentences."""
    cells = sd.datasets.pbmc3k()[::10].copy()
    sd.pp.cell_sentences(cells)
    folder = tmp_path_factory.mktemp("cells")
    cells.write_h5ad(folder / "in.h5ad")
    return folder


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The error of a command that must fail, which is one line."""
    assert main([str(one) for one in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


# --- start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["--help", "--version", "train-grpo --help"])
def test_help_loads_nothing_heavy(arguments: str) -> None:
    code = (
        f"from sc_duality.__main__ import main\ntry:\n    main({arguments.split()})\nfinally:\n    import sys\n"
        "    print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sd.__version__ in done.stdout or "usage: python -m sc_duality" in done.stdout
    loaded = set(done.stderr.strip("[]\n").replace("'", "").split(", "))
    assert "sc_duality" in loaded
    assert not loaded & {"anndata", "numpy", "pydantic", "torch", "transformers", "trl", "yaml"}


def test_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["anotate", "a", "b"])
    assert "invalid choice: 'anotate'" in capsys.readouterr().err


# --- annotate ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [[], ["--use-raw"], ["--layer", "counts"]])
def test_a_processed_file_is_annotated(folder: Path, tmp_path: Path, option: list[str]) -> None:
    cells = ad.read_h5ad(folder / "in.h5ad")
    del cells.obsm, cells.uns
    cells.layers["counts"], cells.raw = cells.X.copy(), cells.copy()
    cells.X = cells.X.toarray() - 0.5
    cells.write_h5ad(tmp_path / "processed.h5ad")
    out = tmp_path / "out.h5ad"
    assert main(["annotate", str(tmp_path / "processed.h5ad"), str(out), "--labels", "blood", *option]) == 0
    params = ad.read_h5ad(out).uns["cell_sentence"]["params"]
    assert (params.get("layer"), bool(params["use_raw"])) == (
        ("counts", False) if "--layer" in option else (None, True)
    )


def test_annotate_equals_the_tool(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "in.h5ad").read_bytes()
    assert main(["annotate", str(folder / "in.h5ad"), str(tmp_path / "out.h5ad"), "--labels", "blood"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out.h5ad'}\n"
    expected = ad.read_h5ad(folder / "in.h5ad")
    sd.tl.annotate(expected, labels="blood")
    found = ad.read_h5ad(tmp_path / "out.h5ad")
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    assert (found.X != expected.X).nnz == 0
    assert (folder / "in.h5ad").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]


def test_annotate_passes_arguments_on(folder: Path, tmp_path: Path) -> None:
    options = [
        "--model",
        "embedded",
        "--key-added",
        "mine",
        "--groupby",
        "cell_type",
        "--labels",
        "B cells",
        "NK cells",
    ]
    assert main(["annotate", str(folder / "in.h5ad"), str(tmp_path / "out.zarr"), *options]) == 0
    found = ad.read_zarr(tmp_path / "out.zarr")
    assert set(found.obs["mine"].cat.categories) <= {"B cells", "NK cells", "unknown"}
    assert (found.obs.groupby("cell_type", observed=True)["mine"].nunique() <= 1).all()

    assert main(["annotate", str(tmp_path / "out.zarr"), str(tmp_path / "again.h5ad"), "--labels", "blood"]) == 0
    assert {"annotation", "mine"} <= set(ad.read_h5ad(tmp_path / "again.h5ad").obs)


@pytest.mark.parametrize("name", ["out.h5ad", "out.zarr"])
def test_an_existing_output_is_kept_without_overwrite(
    folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    old = ad.AnnData(obs=pd.DataFrame({"old": [1]}, index=["cell"]))
    old.write_h5ad(out) if out.suffix == ".h5ad" else old.write_zarr(out)
    read = ad.read_h5ad if out.suffix == ".h5ad" else ad.read_zarr
    assert "exists: name another output, or pass --overwrite" in error_of(capsys, "annotate", folder / "in.h5ad", out)
    assert list(read(out).obs) == ["old"]
    assert main(["annotate", str(folder / "in.h5ad"), str(out), "--overwrite", "--labels", "blood"]) == 0
    assert "annotation" in read(out).obs


def test_input_is_never_the_output(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "link.h5ad"
    link.symlink_to(folder / "in.h5ad")
    assert "is the input" in error_of(capsys, "annotate", folder / "in.h5ad", link, "--overwrite")


def test_failed_writing_leaves_the_old_output(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(_: ad.AnnData, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.h5ad"
    out.write_text("old")
    monkeypatch.setattr(ad.AnnData, "write_h5ad", fill)
    error = error_of(capsys, "annotate", folder / "in.h5ad", out, "--overwrite", "--labels", "blood")
    assert "No space left on device" in error
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("source", "out", "error"),
    [
        ("none.h5ad", "out.h5ad", "none.h5ad does not exist"),
        ("bad.h5ad", "out.h5ad", "bad.h5ad' is not an HDF5 file"),
        ("bad.csv", "out.h5ad", "bad.csv must end with .h5ad or .zarr"),
        ("bad.h5ad", "out.csv", "out.csv must end with .h5ad or .zarr"),
        ("bad.h5ad", "none/out.h5ad", "lie in an existing folder"),
    ],
)
def test_invalid_files(tmp_path: Path, source: str, out: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.h5ad").write_text("no cells")
    (tmp_path / "bad.csv").write_text("no cells")
    assert re.search(error, error_of(capsys, "annotate", tmp_path / source, tmp_path / out))


def test_an_error_of_the_tool_is_one_line_or_a_traceback(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["annotate", str(folder / "in.h5ad"), str(tmp_path / "out.h5ad"), "--labels", "tissue of origin"]
    assert "is neither an obs column" in error_of(capsys, *arguments)
    with pytest.raises(ValueError, match="is neither an obs column"):
        main(["--traceback", *arguments])
    assert not (tmp_path / "out.h5ad").exists()


# --- training ---------------------------------------------------------------------------------------------------


START = "adatas: in.h5ad\nmodel: embedded\noutput_dir: x\n"
TASKS = "tasks: {annotation: {truth: cell_type}}\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "must hold parameters, one a line"),
        ("- adatas\n- model\n", "must hold parameters, one a line"),
        ("adatas: [in.h5ad\nmodel", "cannot be read as YAML"),
        (f"{START}{TASKS}hold_out: 0.1", "'hold_out' is not a parameter of train_sft; the nearest is 'held_out'"),
        (f"{START}{TASKS}lerning_rate: 1", "'lerning_rate' is not an argument .*'learning_rate'"),
        (f"{START}{TASKS}options: {{lerning_rate: 1}}", "'lerning_rate' is not an argument .*'learning_rate'"),
        (f"{START}{TASKS}duality: {{form: sample}}", "'duality' is not an argument"),
        ("adatas: in.h5ad\nmodel:\n", "lacks model, output_dir, tasks, which train_sft needs"),
        (f"adatas: none.h5ad\nmodel: embedded\noutput_dir: x\n{TASKS}", "none.h5ad does not exist"),
        (f"adatas: [in.h5ad, 5]\nmodel: embedded\noutput_dir: x\n{TASKS}", "5 does not exist"),
        (f"{START}{TASKS}options: 5", "options must be a mapping"),
        (f"{START}tasks: annotation", "tasks must be a list or a mapping"),
        (f"{START}tasks: {{annotation: {{labls: blood}}}}", "annotation.*labls"),
        (f"{START}{TASKS}held_out: {{donor: 0.1}}", "'donor' is not an obs column"),
        (f"adatas: in.h5ad\nmodel: no-such-model\noutput_dir: x\n{TASKS}", "no-such-model"),
    ],
)
def test_invalid_configurations(folder: Path, text: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "config.yaml"
    config.write_text(text)
    assert re.search(error, error_of(capsys, "train-sft", config))
    assert not (folder / "x").exists()


def test_missing_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.yaml" in error_of(capsys, "train-grpo", tmp_path / "none.yaml")


def test_yaml_becomes_arguments(folder: Path) -> None:
    (folder / "mine").mkdir()
    config = folder / "config.yaml"
    config.write_text(
        "adatas: [in.h5ad]\nmodel: mine\noutput_dir: new\neval_adatas: in.h5ad\nlearning_rate: 1e-5\n"
        "tasks: {annotation: {labels: blood}}\nduality: {form: sample, hidden_fraction: 3e-1, verifier: policy}\n"
        "lora: {r: 8, lora_dropout: 1e-1}\nuse_vllm: true\noptions: {vllm_mode: colocate}\n"
    )
    found = tool_arguments(config, sd.tl.train_grpo_duality)
    assert [cells.n_obs for cells in found.pop("adatas")] == [32]
    assert found.pop("eval_adatas").n_obs == 32
    assert found == {
        "model": folder / "mine", "output_dir": folder / "new", "learning_rate": 1e-5,
        "tasks": {"annotation": {"labels": "blood"}},
        "duality": sd.Duality(form="sample", hidden_fraction=0.3, verifier="policy"),
        "lora": {"r": 8, "lora_dropout": 0.1}, "use_vllm": True, "vllm_mode": "colocate",
    }  # fmt: skip


def test_names_and_folders_of_prompt_formats(folder: Path) -> None:
    (folder / "my-format").mkdir()
    config = folder / "config.yaml"
    config.write_text(f"{START}{TASKS}prompt_formats: [terse, my-format]\nheld_out: {{donor: [d1]}}\n")
    found = tool_arguments(config, sd.tl.train_sft)
    assert found["prompt_formats"] == ["terse", folder / "my-format"]
    assert found["held_out"] == {"donor": ["d1"]}
    assert found["model"] == "embedded"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sampling: {top: 0.9}", "sampling has no setting 'top'; the nearest is 'top_p'"),
        ("sampling: 0.7", "sampling must be a mapping"),
        ("sampling: {top_p: 2.0}", r"top_p must lie in \(0, 1\]"),
        ("n_candidats: 3", "'n_candidats' is not a parameter of distill; the nearest is 'n_candidates'"),
        ("batch_size: 3", "'batch_size' is not a parameter of distill"),
    ],
)
def test_invalid_settings_of_a_tool_without_options(
    folder: Path, text: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder / "config.yaml"
    config.write_text(f"adatas: in.h5ad\nteacher: embedded\npath: x.jsonl\n{TASKS}{text}\n")
    assert re.search(error, error_of(capsys, "distill", config))


def test_an_interrupt_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sc_duality.__main__.tool_arguments", interrupt)
    config = folder / "config.yaml"
    assert main(["distill", str(config)]) == 130
    assert capsys.readouterr() == ("", "interrupted: run the same command again to resume\n")
    with pytest.raises(KeyboardInterrupt):
        main(["--traceback", "distill", str(config)])


@pytest.mark.parametrize("code", [0, 2, 130])
def test_the_program_exits_with_the_code(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sc_duality.__main__.main", lambda: code)
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    with pytest.raises(SystemExit) as error:
        run()
    assert error.value.code == code


def test_only_the_first_process_writes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    out = tmp_path / "out.h5ad"
    assert main(["annotate", str(folder / "in.h5ad"), str(out), "--labels", "blood"]) == 0
    assert out.exists()
    assert main(["annotate", str(folder / "in.h5ad"), str(out)]) == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_distill(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "distill.yaml"
    config.write_text(
        "adatas: in.h5ad\nteacher: embedded\npath: traces.jsonl\ntasks: {annotation: {truth: cell_type}}\n"
        "n_examples: 2\nn_genes: 20\nsampling: {temperature: 0.5}\n"
    )
    assert main(["distill", str(config)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "traces.jsonl")
    assert all("completion" in json.loads(line) for line in (folder / "traces.jsonl").read_text().splitlines())
    summary = json.loads((folder / "traces.jsonl.summary.json").read_text())
    assert summary["settings"]["sampling"]["temperature"] == 0.5


@pytest.mark.slow
def test_train_sft(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "sft.yaml"
    config.write_text(
        f"adatas: in.h5ad\nmodel: embedded\noutput_dir: {tmp_path / 'trained'}\n"
        "tasks: {annotation: {truth: cell_type}}\nheld_out: 0\nn_genes: 30\naugment: false\n"
        "num_train_epochs: 1\nbatch_size: 32\nlearning_rate: 1e-4\n"
    )
    assert main(["train-sft", str(config)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "trained")
    assert 2 <= pd.read_csv(tmp_path / "trained" / "history.csv", index_col="step").index.max() <= 3
    cells = ad.read_h5ad(folder / "in.h5ad")
    sd.tl.annotate(cells, tmp_path / "trained", labels="cell_type")
    assert cells.obs["annotation"].notna().all()


@pytest.mark.processes
def test_train_grpo_with_two_processes(folder: Path, tmp_path: Path) -> None:
    config = folder / "grpo.yaml"
    config.write_text(
        f"adatas: in.h5ad\nmodel: embedded\noutput_dir: {tmp_path / 'aligned'}\n"
        "tasks: {annotation: {labels: blood}}\nn_genes: 30\nmax_steps: 2\n"
        "num_generations: 4\ngeneration_batch_size: 16\nbatch_size: 16\n"
    )
    launch = "-m accelerate.commands.launch --multi_gpu --num_processes 2 --main_process_port 0 -m sc_duality"
    done = subprocess.run(
        [sys.executable, *launch.split(), "train-grpo", str(config)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "SC_DUALITY_PROGRESS": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "aligned")
    assert done.stdout.count(str(tmp_path / "aligned")) == 1
    history = pd.read_csv(tmp_path / "aligned" / "history.csv", index_col="step")
    assert list(history.index) == [1, 2]
    state = json.loads((tmp_path / "aligned" / "checkpoints" / "checkpoint-2" / "trainer_state.json").read_text())
    assert state["train_batch_size"] == 8  # half of the completions of an update in each process
