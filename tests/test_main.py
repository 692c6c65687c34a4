"""The command line: each command on a small case, and what it says to bad input."""

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
from sc_duality.__main__ import _settings, main


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
    place = tmp_path_factory.mktemp("cells")
    cells.write_h5ad(place / "in.h5ad")
    return place


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command that must fail says, which is one line."""
    assert main([str(one) for one in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


# --- start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["--help", "--version", "train-grpo --help"])
def test_help_loads_nothing_heavy(asked: str) -> None:
    code = (
        f"from sc_duality.__main__ import main\ntry:\n    main({asked.split()})\nfinally:\n    import sys\n"
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


def test_annotate_is_the_tool(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_annotate_passes_on_what_is_asked(folder: Path, tmp_path: Path) -> None:
    asked = ["--model", "embedded", "--key-added", "mine", "--groupby", "cell_type", "--labels", "B cells", "NK cells"]
    assert main(["annotate", str(folder / "in.h5ad"), str(tmp_path / "out.zarr"), *asked]) == 0
    found = ad.read_zarr(tmp_path / "out.zarr")
    assert set(found.obs["mine"].cat.categories) <= {"B cells", "NK cells", "unknown"}
    assert (found.obs.groupby("cell_type", observed=True)["mine"].nunique() <= 1).all()

    assert main(["annotate", str(tmp_path / "out.zarr"), str(tmp_path / "again.h5ad"), "--labels", "blood"]) == 0
    assert {"annotation", "mine"} <= set(ad.read_h5ad(tmp_path / "again.h5ad").obs)


@pytest.mark.parametrize("name", ["out.h5ad", "out.zarr"])
def test_output_that_is_there_is_kept_unless_told(
    folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    old = ad.AnnData(obs=pd.DataFrame({"old": [1]}, index=["cell"]))
    old.write_h5ad(out) if out.suffix == ".h5ad" else old.write_zarr(out)
    read = ad.read_h5ad if out.suffix == ".h5ad" else ad.read_zarr
    assert "is there: name another output, or pass --overwrite" in said(capsys, "annotate", folder / "in.h5ad", out)
    assert list(read(out).obs) == ["old"]
    assert main(["annotate", str(folder / "in.h5ad"), str(out), "--overwrite", "--labels", "blood"]) == 0
    assert "annotation" in read(out).obs


def test_input_is_never_the_output(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "link.h5ad"
    link.symlink_to(folder / "in.h5ad")
    assert "is the input" in said(capsys, "annotate", folder / "in.h5ad", link, "--overwrite")


def test_failed_writing_leaves_the_old_output(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(_: ad.AnnData, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.h5ad"
    out.write_text("old")
    monkeypatch.setattr(ad.AnnData, "write_h5ad", fill)
    error = said(capsys, "annotate", folder / "in.h5ad", out, "--overwrite", "--labels", "blood")
    assert "No space left on device" in error
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("source", "out", "error"),
    [
        ("none.h5ad", "out.h5ad", "there is no .*none.h5ad"),
        ("bad.h5ad", "out.h5ad", r"file signature not found.*bad.h5ad\)"),
        ("bad.csv", "out.h5ad", "bad.csv must end with .h5ad or .zarr"),
        ("bad.h5ad", "out.csv", "out.csv must end with .h5ad or .zarr"),
        ("bad.h5ad", "none/out.h5ad", "lie in a folder that is there"),
    ],
)
def test_files_that_cannot_be_meant(
    tmp_path: Path, source: str, out: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.h5ad").write_text("no cells")
    (tmp_path / "bad.csv").write_text("no cells")
    assert re.search(error, said(capsys, "annotate", tmp_path / source, tmp_path / out))


def test_an_error_of_the_tool_is_one_line_or_a_traceback(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["annotate", str(folder / "in.h5ad"), str(tmp_path / "out.h5ad"), "--labels", "tissue of origin"]
    assert "is neither an obs column" in said(capsys, *asked)
    with pytest.raises(ValueError, match="is neither an obs column"):
        main(["--traceback", *asked])
    assert not (tmp_path / "out.h5ad").exists()


# --- training ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "must hold settings, one a line"),
        ("- adatas\n- model\n", "must hold settings, one a line"),
        ("adatas: [in.h5ad\nmodel", "is no YAML"),
        (
            "adatas: in.h5ad\nmodel: embedded\nout: x\nlern_rate: 1",
            "'lern_rate' is no parameter.*learning_rate.*options",
        ),
        ("adatas: in.h5ad\nmodel:\n", "does not say model, out, which train_sft needs"),
        ("adatas: none.h5ad\nmodel: embedded\nout: x", "there is no .*none.h5ad"),
        ("adatas: [in.h5ad, 5]\nmodel: embedded\nout: x", "there is no .*5"),
        ("adatas: in.h5ad\nmodel: embedded\nout: x\noptions: 5", "options must be a mapping"),
        ("adatas: in.h5ad\nmodel: embedded\nout: x\ntasks: annotation", "tasks must be a list"),
        ("adatas: in.h5ad\nmodel: no-such-model\nout: x", "no-such-model"),
    ],
)
def test_settings_that_cannot_be_meant(folder: Path, text: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "config.yaml"
    config.write_text(text)
    assert re.search(error, said(capsys, "train-sft", config))
    assert not (folder / "x").exists()


def test_settings_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.yaml" in said(capsys, "train-grpo", tmp_path / "none.yaml")


def test_settings_become_arguments(folder: Path) -> None:
    (folder / "mine").mkdir()
    config = folder / "config.yaml"
    config.write_text(
        "adatas: [in.h5ad]\nmodel: mine\nout: new\nlabelled: in.h5ad\nlearning_rate: 1e-5\n"
        "lora: {r: 8, lora_dropout: 1e-1}\noptions: {use_vllm: true, vllm_mode: colocate}\n"
    )
    found = _settings(config, sd.tl.train_grpo_duality)
    assert [cells.n_obs for cells in found.pop("adatas")] == [32]
    assert found.pop("labelled").n_obs == 32
    assert found == {
        "model": folder / "mine", "out": folder / "new", "learning_rate": 1e-5,
        "lora": {"r": 8, "lora_dropout": 0.1}, "use_vllm": True, "vllm_mode": "colocate",
    }  # fmt: skip


def test_only_the_first_process_tells(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    out = tmp_path / "out.h5ad"
    assert main(["annotate", str(folder / "in.h5ad"), str(out), "--labels", "blood"]) == 0
    assert out.exists()
    assert main(["annotate", str(folder / "in.h5ad"), str(out)]) == 2
    assert capsys.readouterr() == ("", "")


def test_distill(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "distill.yaml"
    config.write_text(
        "adatas: in.h5ad\nteacher: embedded\nout: traces.jsonl\ntasks: [annotation]\nn_questions: 2\nn_genes: 20\n"
    )
    assert main(["distill", str(config)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "traces.jsonl")
    assert all("answer" in json.loads(line) for line in (folder / "traces.jsonl").read_text().splitlines())


def test_train_sft(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "sft.yaml"
    config.write_text(
        f"adatas: in.h5ad\nmodel: embedded\nout: {tmp_path / 'taught'}\ntasks: [annotation]\nheld_out: 0\n"
        "n_genes: 30\naugment: false\nepochs: 1\nbatch_size: 32\nlearning_rate: 1e-4\n"
    )
    assert main(["train-sft", str(config)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "taught")
    assert 2 <= pd.read_csv(tmp_path / "taught" / "history.csv", index_col="step").index.max() <= 3
    cells = ad.read_h5ad(folder / "in.h5ad")
    sd.tl.annotate(cells, tmp_path / "taught", labels="cell_type")
    assert cells.obs["annotation"].notna().all()


def test_train_grpo_with_two_processes(folder: Path, tmp_path: Path) -> None:
    config = folder / "grpo.yaml"
    config.write_text(
        f"adatas: in.h5ad\nmodel: embedded\nout: {tmp_path / 'aligned'}\nlabels: blood\nn_genes: 30\nsteps: 2\n"
        "group_size: 4\nrollout: 16\nbatch_size: 16\n"
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
    assert state["train_batch_size"] == 8  # half of an update's answers in each process
