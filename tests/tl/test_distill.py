"""Distillation: what is accepted is right, what is rejected is counted, and what was paid for is never lost."""

import json

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from sc_duality.models import EndpointModel, ModelSpec
from sc_duality.rewards import rank_weighted_jaccard
from sc_duality.tasks import PromptFormat
from sc_duality.tl import distill
from sc_duality.train._distil import read_traces
from tests.models.fake_server import FakeServer, when

B = "<think>CD79A and MS4A1 are high.</think>\n<answer>B cells</answer>"


class Teacher:
    """Writes what a function says to a prompt and a running number, and remembers what it was asked."""

    def __init__(self, write, **spec):
        self.spec = ModelSpec(name="teacher", source="teacher", **spec)
        self.write, self.asked, self.seeds = write, [], []

    def generate(self, prompts, sampling):
        self.asked.append(list(prompts))
        self.seeds.append(sampling.seed)
        return [self.write(prompt, i) for i, prompt in enumerate(prompts)]

    def score(self, prompts, choices):
        raise NotImplementedError

    likelihood = embed = score


@pytest.fixture(scope="module")
def adata():
    adata = sd.datasets.pbmc3k()[::6].copy()
    sd.pp.cell_sentences(adata)
    return adata


@pytest.fixture
def out(tmp_path):
    return tmp_path / "traces.jsonl"


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("sc_duality.tl._distill._AT_ONCE", 8)


def lines(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def shown(prompt):
    """The genes that a prompt shows."""
    return (
        next(line for line in prompt.splitlines() if "highest first: " in line).partition("highest first: ")[2].split()
    )


def sentences(adata, label):
    cells = sd.get.cell_sentences(adata[adata.obs["cell_type"] == label])
    return [sentence.split() for sentence in cells]


def counted(found, task="annotation", side="primal"):
    counts = found.counts.loc[(task, side)]
    return counts[counts > 0].to_dict()


# --- what is accepted -------------------------------------------------------------------------------------------


def test_labels_must_be_the_true_ones_and_the_whole_text_is_kept(adata, out):
    found = distill(adata, Teacher(lambda *_: B), out, tasks=["annotation"], n_questions=40)
    primal = [line for line in lines(out) if line["side"] == "primal"]
    assert found.traces == out
    assert {line["answer"] for line in primal} == {B}
    assert {line["score"] for line in primal} == {1.0}
    own = sentences(adata, "B cells")
    assert all(any(set(shown(line["prompt"])) <= set(cell) for cell in own) for line in primal)
    counts = counted(found)
    assert counts == {
        "candidates": 160,
        "accepted": 4 * len(primal),
        "kept": len(primal),
        "wrong label": 160 - 4 * len(primal),
    }
    assert 0 < len(primal) < 40
    assert counted(found, side="dual") == {"candidates": 160, "below threshold": 160}


def test_the_dual_is_asked_about_the_true_answer(adata, out):
    teacher = Teacher(lambda *_: B)
    distill(adata, teacher, out, tasks=["generation"], n_questions=30, n_candidates=1)
    duals = [line for line in lines(out) if line["side"] == "dual"]
    own = sentences(adata, "B cells")
    assert duals
    assert all(shown(line["prompt"]) in [cell[:100] for cell in own] for line in duals)
    asked = [prompt for prompt in teacher.asked[0] if "highest first" in prompt]
    assert len(asked) == 30


def test_genes_must_be_as_alike_as_asked_for(adata, tmp_path):
    cells = {label: sentences(adata, label) for label in adata.obs["cell_type"].unique()}

    def write(prompt, i):
        label = next((label for label in cells if f"of the type {label}," in prompt), "B cells")
        return f"<answer>{' '.join(cells[label][i % len(cells[label])][:100])}</answer>"

    accepted = []
    for threshold in (0.0, 0.5, 1.0):
        out = tmp_path / f"{threshold}.jsonl"
        found = distill(adata, Teacher(write), out, tasks=["generation"], n_questions=20, threshold=threshold)
        accepted.append(counted(found, "generation").get("accepted", 0))
        assert all(line["score"] >= threshold for line in lines(out))
        for line in lines(out):
            genes = line["answer"].removeprefix("<answer>").removesuffix("</answer>").split()
            best = max(rank_weighted_jaccard(cell[:100], genes) for own in cells.values() for cell in own)
            assert line["score"] <= best
    assert accepted[0] == 80 > accepted[1] > accepted[2]


def test_what_the_docstring_says_of_two_cells_of_one_type():
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata)
    rng, same, other = np.random.default_rng(0), [], []
    types = adata.obs["cell_type"].astype(str).to_numpy()
    cells = [sentence.split()[:100] for sentence in sd.get.cell_sentences(adata)]
    for _ in range(800):
        i = rng.integers(len(cells))
        for mates, found in ((types == types[i], same), (types != types[i], other)):
            found.append(rank_weighted_jaccard(cells[i], cells[rng.choice(np.setdiff1d(np.flatnonzero(mates), i))]))
    assert np.median(same) == pytest.approx(0.56, abs=0.02)
    assert np.median(other) == pytest.approx(0.42, abs=0.02)


def test_of_equal_candidates_those_that_reason_are_kept_and_no_text_twice(adata, out):
    texts = ["<answer>B cells</answer>", B, B, "<think>CD19.</think><answer>b CELLS</answer>"]
    n = 30

    def write(_, i):  # candidate by candidate, all prompts
        return texts[i // (2 * n)]

    for keep, wanted in ((1, [B]), (2, [B, texts[3]]), (9, [B, texts[3], texts[0]])):
        found = distill(
            adata, Teacher(write), out.with_name(f"{keep}.jsonl"), tasks=["annotation"], n_questions=n, keep=keep
        )
        primal = [line for line in lines(found.traces) if line["side"] == "primal"]
        by_prompt = pd.DataFrame(primal).groupby("prompt", sort=False)["answer"].agg(list).tolist()
        assert by_prompt
        assert all(kept == wanted for kept in by_prompt)


def test_perturbations_and_sensitivity(adata, out):
    adata = adata.copy()
    adata.obs["done"] = ["none", "IFNB1"] * 26 + ["none"]
    adata.obs["fate"] = pd.Categorical(["sensitive", "resistant"] * 26 + [None])
    truth = {"none": "no treatment", "IFNB1": "the cytokine IFNB1"}
    teacher = Teacher(lambda *_: f"<answer>{truth['IFNB1']}</answer>")
    found = distill(
        adata, teacher, out, tasks=["response", "sensitivity"], n_questions=20, n_candidates=1,
        perturbation="done", perturbations={"none": ("control",), "IFNB1": ("cytokine", "IFNB1")},
        sensitivity="fate", drug="erlotinib",
    )  # fmt: skip
    duals = counted(found, "response", "dual")
    assert duals["accepted"] + duals["wrong label"] == 20
    assert {line["answer"] for line in lines(out)} == {"<answer>the cytokine IFNB1</answer>"}
    treated = [cell[:100] for cell in sd.get.cell_sentences(adata[adata.obs["done"] == "IFNB1"]).str.split()]
    after = [line["prompt"].partition("genes after, highest first: ")[2].splitlines()[0].split() for line in lines(out)]
    assert all(genes in treated for genes in after)
    assert counted(found, "response") == {"candidates": 20, "below threshold": 20}
    assert counted(found, "sensitivity") == {"candidates": 20, "unknown label": 20}


# --- what is rejected -------------------------------------------------------------------------------------------


def test_rejected_candidates_are_counted_by_reason(adata, out):
    texts = [None, "", "B cells", "<think>so", "<answer>a wolf</answer>", "<answer>B</answer><answer>B</answer>"]
    teacher = Teacher(lambda _, i: texts[i // 20])
    found = distill(adata, teacher, out, tasks=["annotation"], n_questions=10, n_candidates=len(texts))
    assert counted(found) == {
        "candidates": 60, "not answered": 10, "no answer tag": 20, "reasoning without an end": 10,
        "unknown label": 10, "more than one answer": 10,
    }  # fmt: skip
    assert lines(out) == []
    summary = json.loads(out.with_name("traces.jsonl.summary.json").read_text())
    assert summary["counts"]["annotation primal"]["unknown label"] == 10


@pytest.mark.parametrize(
    ("text", "reason", "mend"),
    [
        ("lorem ipsum " * 9, "no answer tag", "follows instructions"),
        ("<answer>platelet leaf</answer>", "unknown label", "spells labels as in the list"),
        ("\x00\ud7ff𝔸" * 50, "no answer tag", "max_tokens="),
    ],
)
def test_a_teacher_that_writes_garbage(adata, out, caplog, text, reason, mend):
    found = distill(adata, Teacher(lambda *_: text), out, tasks=["annotation"], n_questions=5)
    assert (
        f"annotation primal: 0 of 20 candidates accepted, most of the others are rejected for '{reason}'" in caplog.text
    )
    assert mend in caplog.text
    assert counted(found)["candidates"] == counted(found)[reason] == 20
    with pytest.raises(ValueError, match="holds no traces: no candidate was accepted"):
        read_traces(out, ModelSpec("student", "student"))


def test_a_teacher_that_is_wrong(adata, out, caplog):
    adata = adata.copy()
    adata.obs["cell_type"] = ["yes"] * 52 + ["no"]
    teacher = Teacher(lambda prompt, _: f"<answer>{'no' if 'no | yes' in prompt else 'FTL'}</answer>")
    found = distill(adata, teacher, out, tasks=["annotation"], n_questions=4)
    assert counted(found) == {"candidates": 16, "wrong label": 16}
    assert "rejected for 'wrong label': pass a teacher that knows more" in caplog.text
    assert "rejected for 'below threshold': pass a lower threshold=" in caplog.text


# --- what was paid for ------------------------------------------------------------------------------------------

HOW = {"tasks": ["annotation", "generation"], "n_questions": 10, "n_candidates": 2}


def write(prompt, _):
    return f"<think>{len(prompt)} characters.</think><answer>B cells</answer>"


@pytest.fixture(scope="module")
def whole(adata, tmp_path_factory):
    """All traces of a run that nothing disturbed, and its counts."""
    out = tmp_path_factory.mktemp("whole") / "traces.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sc_duality.tl._distill._AT_ONCE", 8)
        found = distill(adata, Teacher(write), out, **HOW)
    return out.read_text(), found.counts


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("error", [ConnectionError("gone"), KeyboardInterrupt()])
def test_a_run_that_was_stopped_goes_on(adata, out, whole, error):
    teacher = Teacher(write)

    def break_off(prompt, i):
        if len(teacher.asked) == 3:
            raise error
        return write(prompt, i)

    teacher.write = break_off
    with pytest.raises(type(error)) as raised:
        distill(adata, teacher, out, **HOW)
    assert "2 of 5 blocks were added" in raised.value.__notes__[0]
    assert {line["block"] for line in lines(out)} <= {0, 1}
    with out.open("a") as file:
        file.write('{"task": "annotation", "block": 2}\n{"task": "anno')  # as a full disk leaves it
    again = Teacher(write)
    found = distill(adata, again, out, **HOW)
    assert again.asked == [*teacher.asked[2:], *again.asked[1:]]
    assert len(again.asked) == 3
    assert out.read_text() == whole[0]
    pd.testing.assert_frame_equal(found.counts, whole[1])


@pytest.mark.usefixtures("small_blocks")
def test_only_blocks_with_missing_answers_are_asked_again(adata, out, whole, caplog):
    teacher = Teacher(lambda prompt, i: None if len(teacher.asked) == 2 and i % 3 == 0 else write(prompt, i))
    first = distill(adata, teacher, out, **HOW)
    assert first.counts["not answered"].sum() == 6
    assert "6 candidates got no answer: call again to ask for these alone" in caplog.text
    again = Teacher(write)
    found = distill(adata, again, out, **HOW)
    assert again.asked == teacher.asked[1:2]
    assert sorted(out.read_text().splitlines()) == sorted(whole[0].splitlines())
    assert found.counts.to_dict() == whole[1].to_dict()
    done = Teacher(lambda *_: pytest.fail("asked again"))
    assert distill(adata, done, out, **HOW).counts.to_dict() == whole[1].to_dict()


def test_a_prompt_that_comes_again_in_another_block_is_drawn_anew(adata, out, monkeypatch):
    monkeypatch.setattr("sc_duality.tl._distill._AT_ONCE", 20)
    teacher = Teacher(write)
    distill(adata, teacher, out, tasks=["generation"], n_questions=40)
    assert set(teacher.asked[0]) & set(teacher.asked[1])
    assert len(set(teacher.seeds)) == len(teacher.asked) == 4


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("full_at", [1, 2, 3, 6, 7])
def test_a_full_disk_loses_nothing_that_is_there(adata, out, monkeypatch, whole, full_at):
    synced = []

    def sync(number):
        synced.append(number)
        if len(synced) == full_at:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sc_duality.train._distil.os.fsync", sync)
    with pytest.raises(OSError, match="No space left"):
        distill(adata, Teacher(write), out, **HOW)
    found = distill(adata, Teacher(write), out, **HOW)
    assert out.read_text() == whole[0]
    pd.testing.assert_frame_equal(found.counts, whole[1])


def test_other_settings_and_files_of_others_are_left_alone(adata, out):
    distill(adata, Teacher(write), out, **HOW)
    before = out.read_text()
    with pytest.raises(FileExistsError, match=r"with other settings \(keep, threshold\)"):
        distill(adata, Teacher(write), out, threshold=0.9, keep=2, **HOW)
    with pytest.raises(FileExistsError, match=r"with other settings \(data, sampling\)"):
        distill(adata, Teacher(write), out, rng=1, **HOW)
    assert out.read_text() == before
    mine = out.with_name("mine.txt")
    mine.write_text("precious\n")
    with pytest.raises(FileExistsError, match="is no file that sd.tl.distill wrote"):
        distill(adata, Teacher(write), mine, **HOW)
    assert mine.read_text() == "precious\n"


# --- a server ---------------------------------------------------------------------------------------------------


def teacher_at(server):
    spec = sd.models.resolve(f"endpoint:{server.address}#served")
    return EndpointModel(spec, backoff=0.01, timeout=20.0, concurrency=4, attempts=2, price=(1e6, 2e6))


@pytest.mark.usefixtures("cache", "small_blocks")
def test_a_server_that_dies_costs_nothing_twice(adata, out, whole):
    with FakeServer() as server:
        server.writes = lambda prompt: write(prompt, 0)
        server.delay = 0.05
        when(lambda: server.answered.total() >= 20, server.stop)
        with pytest.raises(ConnectionError, match="Is the server running"):
            distill(adata, teacher_at(server), out, **HOW)
        before = server.answered.total()
    assert 20 <= before < 80
    with pytest.raises(ConnectionError, match="no server answers"):
        distill(adata, f"endpoint:{server.address}#served", out, **HOW)
    with FakeServer(port=server.port) as again:
        again.writes = server.writes
        found = distill(adata, teacher_at(again), out, **HOW)
        assert again.answered.total() <= 80 - before + 8  # what was under way when it died
    assert sorted(out.read_text().splitlines()) == sorted(whole[0].splitlines())
    pd.testing.assert_frame_equal(found.counts[whole[1].columns], whole[1])
    n = found.usage["prompt_tokens"] / 10
    assert 72 <= n <= 88
    assert found.usage["completion_tokens"] == 5 * n
    assert found.usage["cost"] == pytest.approx(10 * n + 2 * 5 * n)
    assert found.usage["requests"] >= 80


@pytest.mark.usefixtures("cache")
def test_a_server_may_move(adata, out):
    for _ in range(2):
        with FakeServer() as server:
            server.writes = lambda prompt: write(prompt, 0)
            found = distill(adata, teacher_at(server), out, **HOW)
    assert found.usage["requests"] == 80
    assert server.answered.total() == 0


# --- what training takes ----------------------------------------------------------------------------------------


def test_traces_are_lessons_of_a_model_that_is_asked_in_the_same_words(adata, out):
    distill(adata, Teacher(write), out, **HOW)
    traces = read_traces(out, ModelSpec("student", "student"))
    assert [(trace.prompt, trace.answer) for trace in traces] == [(one["prompt"], one["answer"]) for one in lines(out)]
    assert [trace.rows() for trace in traces] == [[(trace.prompt, trace.answer)] for trace in traces]
    assert not any(trace.contrast() for trace in traces)
    plain = PromptFormat("plain").version
    with pytest.raises(
        ValueError, match=f"in the prompt format 'plain', version {plain}, and the model 'small' is asked in 'terse'"
    ):
        read_traces(out, ModelSpec("small", "small", prompt_format="terse"))
    with out.open("a") as file:
        file.write('{"text": "else"}\n')
    with pytest.raises(ValueError, match=f"line {len(traces) + 1} of .* is no trace"):
        read_traces(out, ModelSpec("student", "student"))


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_candidates": 0}, ValueError, "n_candidates must be a positive integer, got 0"),
        ({"n_candidates": 2.0}, ValueError, "n_candidates must be a positive integer, got 2.0"),
        ({"n_questions": -1}, ValueError, "n_questions must be a positive integer"),
        ({"keep": True}, ValueError, "keep must be a positive integer, got True"),
        ({"threshold": 1.1}, ValueError, r"threshold must lie between 0 and 1, got 1\.1"),
        ({"threshold": float("nan")}, ValueError, "threshold must lie between 0 and 1, got nan"),
        ({"temperature": 0}, ValueError, "at temperature=0 all 4 candidates are the same"),
        ({"temperature": -1}, ValueError, "temperature must not be negative"),
        ({"tasks": "annotation"}, TypeError, "tasks must be a list, got the string 'annotation'"),
        ({"tasks": ["puzzle"]}, ValueError, r"tasks must be some of annotation, .*, got \['puzzle'\]"),
        ({"tasks": ["annotation"] * 2}, ValueError, "tasks must be some of .*, each once"),
        ({"tasks": []}, ValueError, "tasks must be some of"),
        ({"tasks": ["response"]}, ValueError, "the model 'teacher' does no response"),
        ({"tasks": ["sensitivity"]}, ValueError, "the task 'sensitivity' needs drug="),
        ({"labels": None}, ValueError, "labels= must name the obs column"),
        ({"context": ["tissue"]}, KeyError, "context names no obs columns"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
    ],
)
def test_bad_input_is_refused_before_the_teacher_is_asked(adata, out, options, error, message):
    teacher = Teacher(lambda *_: pytest.fail("asked"), tasks=("annotation", "generation", "sensitivity"))
    with pytest.raises(error, match=message):
        distill(adata, teacher, out, **{"tasks": ["annotation"], **options})
    assert not out.exists()


def test_a_teacher_that_is_none(adata, out):
    with pytest.raises(TypeError, match="model must be a name, a folder or an object"):
        distill(adata, object(), out)
    with pytest.raises(ValueError, match="adatas is empty"):
        distill([], Teacher(write), out)
