"""Distillation: accepted traces match the truth, rejected ones are counted, and no paid answer is lost."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import sc_duality as sd
from benchmarks._fake_server import FakeServer, when
from sc_duality.metrics import rank_weighted_jaccard
from sc_duality.models import EndpointModel, ModelSpec
from sc_duality.tasks import PromptFormat
from sc_duality.tl import distill
from sc_duality.train import read_traces

ANNOTATION = {"annotation": {"truth": "cell_type"}}
GENERATION = {"generation": {"truth": "cell_type"}}
#: What the prompt format "plain" writes before the genes of a cell.
GENES = "most highly expressed genes, in descending order: "
B = "<think>CD79A and MS4A1 are high.</think>\n<answer>B cells</answer>"


class Teacher:
    """Generates by a function of the prompt and its index, and records all requests."""

    def __init__(self, write, **spec):
        self.spec = ModelSpec(name="teacher", source="teacher", **spec)
        self.write, self.requests, self.seeds = write, [], []

    def generate(self, prompts, sampling):
        self.requests.append(list(prompts))
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
    monkeypatch.setattr("sc_duality.tl._distill._BLOCK", 8)


def lines(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


def shown(prompt):
    """The genes in a prompt."""
    line = next(line for line in prompt.splitlines() if GENES in line)
    return line.partition(GENES)[2].split()


def sentences(adata, label):
    cells = sd.get.cell_sentences(adata[adata.obs["cell_type"] == label])
    return [sentence.split() for sentence in cells]


def counted(found, task="annotation", side="primal"):
    counts = found.counts.loc[(task, side)]
    return counts[counts > 0].to_dict()


# --- accepted candidates -------------------------------------------------------------------------------------------


def test_labels_must_be_true_and_the_whole_completion_is_kept(adata, out):
    found = distill(adata, Teacher(lambda *_: B), out, tasks=ANNOTATION, n_examples=40)
    primal = [line for line in lines(out) if line["side"] == "primal"]
    assert found.traces == out
    assert {line["completion"] for line in primal} == {B}
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


def test_the_dual_prompt_holds_the_true_answer(adata, out):
    teacher = Teacher(lambda *_: B)
    distill(adata, teacher, out, tasks=GENERATION, n_examples=30, n_candidates=1)
    duals = [line for line in lines(out) if line["side"] == "dual"]
    own = sentences(adata, "B cells")
    assert duals
    assert all(shown(line["prompt"]) in [cell[:100] for cell in own] for line in duals)
    requested = [prompt for prompt in teacher.requests[0] if GENES in prompt]
    assert len(requested) == 30


def test_genes_must_reach_the_threshold(adata, tmp_path):
    cells = {label: sentences(adata, label) for label in adata.obs["cell_type"].unique()}

    def write(prompt, i):
        label = next((label for label in cells if f"in a single {label}," in prompt), "B cells")
        return f"<answer>{' '.join(cells[label][i % len(cells[label])][:100])}</answer>"

    accepted = []
    for threshold in (0.0, 0.5, 1.0):
        out = tmp_path / f"{threshold}.jsonl"
        found = distill(adata, Teacher(write), out, tasks=GENERATION, n_examples=20, threshold=threshold)
        accepted.append(counted(found, "generation").get("accepted", 0))
        assert all(line["score"] >= threshold for line in lines(out))
        for line in lines(out):
            genes = line["completion"].removeprefix("<answer>").removesuffix("</answer>").split()
            best = max(rank_weighted_jaccard(cell[:100], genes) for own in cells.values() for cell in own)
            assert line["score"] <= best
    assert accepted[0] == 80 > accepted[1] > accepted[2]


def test_similarities_in_the_docstring():
    adata = sd.datasets.pbmc3k()
    sd.pp.cell_sentences(adata)
    rng, same, other = np.random.default_rng(0), [], []
    types = adata.obs["cell_type"].astype(str).to_numpy()
    cells = [sentence.split()[:100] for sentence in sd.get.cell_sentences(adata)]
    for _ in range(800):
        i = rng.integers(len(cells))
        for others, found in ((types == types[i], same), (types != types[i], other)):
            found.append(rank_weighted_jaccard(cells[i], cells[rng.choice(np.setdiff1d(np.flatnonzero(others), i))]))
    assert np.median(same) == pytest.approx(0.56, abs=0.02)
    assert np.median(other) == pytest.approx(0.42, abs=0.02)


def test_equal_candidates_with_reasoning_are_kept_first_and_no_text_twice(adata, out):
    texts = ["<answer>B cells</answer>", B, B, "<think>CD19.</think><answer>b CELLS</answer>"]
    n = 30

    def write(_, i):  # candidate by candidate, all prompts
        return texts[i // (2 * n)]

    for keep, wanted in ((1, [B]), (2, [B, texts[3]]), (9, [B, texts[3], texts[0]])):
        found = distill(
            adata, Teacher(write), out.with_name(f"{keep}.jsonl"), tasks=ANNOTATION, n_examples=n, keep=keep
        )
        primal = [line for line in lines(found.traces) if line["side"] == "primal"]
        by_prompt = pd.DataFrame(primal).groupby("prompt", sort=False)["completion"].agg(list).tolist()
        assert by_prompt
        assert all(kept == wanted for kept in by_prompt)


def test_perturbations_and_sensitivity(adata, out):
    adata = adata.copy()
    adata.obs["condition"] = ["none", "IFNB1"] * 26 + ["none"]
    adata.obs["drug_response"] = pd.Categorical(["sensitive", "resistant"] * 26 + [None])
    truth = {"none": "no perturbation", "IFNB1": "the cytokine IFNB1"}
    teacher = Teacher(lambda *_: f"<answer>{truth['IFNB1']}</answer>")
    found = distill(
        adata, teacher, out, n_examples=20, n_candidates=1, tasks={
            "response": {
                "perturbation": "condition", "perturbations": {"none": ("control",), "IFNB1": ("cytokine", "IFNB1")},
            },
            "sensitivity": {"truth": "drug_response", "drug": "erlotinib"},
        },
    )  # fmt: skip
    duals = counted(found, "response", "dual")
    assert duals["accepted"] + duals["wrong label"] == 20
    assert {line["completion"] for line in lines(out)} == {"<answer>the cytokine IFNB1</answer>"}
    treated = [cell[:100] for cell in sd.get.cell_sentences(adata[adata.obs["condition"] == "IFNB1"]).str.split()]
    after = [shown(line["prompt"].partition("After the perturbation")[2]) for line in lines(out)]
    assert all(genes in treated for genes in after)
    assert counted(found, "response") == {"candidates": 20, "below threshold": 20}
    assert counted(found, "sensitivity") == {"candidates": 20, "unknown label": 20}


# --- rejected candidates -------------------------------------------------------------------------------------------


def test_rejected_candidates_are_counted_by_reason(adata, out):
    texts = [None, "", "B cells", "<think>so", "<answer>a wolf</answer>", "<answer>B</answer><answer>B</answer>"]
    teacher = Teacher(lambda _, i: texts[i // 20])
    found = distill(adata, teacher, out, tasks=ANNOTATION, n_examples=10, n_candidates=len(texts))
    assert counted(found) == {
        "candidates": 60, "not answered": 10, "no answer tag": 20, "reasoning without an end": 10,
        "unknown label": 10, "more than one answer": 10,
    }  # fmt: skip
    assert lines(out) == []
    summary = json.loads(out.with_name("traces.jsonl.summary.json").read_text())
    assert summary["counts"]["annotation primal"]["unknown label"] == 10


@pytest.mark.parametrize(
    ("text", "reason", "advice"),
    [
        ("lorem ipsum " * 9, "no answer tag", "follows instructions"),
        ("<answer>platelet leaf</answer>", "unknown label", "spells labels as in the list"),
        ("\x00\ud7ff𝔸" * 50, "no answer tag", "max_tokens="),
    ],
)
def test_a_teacher_that_generates_garbage(adata, out, caplog, text, reason, advice):
    found = distill(adata, Teacher(lambda *_: text), out, tasks=ANNOTATION, n_examples=5)
    assert f"annotation primal: 0 of 20 candidates accepted, most others were rejected for '{reason}'" in caplog.text
    assert advice in caplog.text
    assert counted(found)["candidates"] == counted(found)[reason] == 20
    with pytest.raises(ValueError, match="holds no traces: no candidate was accepted"):
        read_traces(out, ModelSpec("student", "student"))


def test_a_teacher_that_is_wrong(adata, out, caplog):
    adata = adata.copy()
    adata.obs["cell_type"] = ["yes"] * 52 + ["no"]
    teacher = Teacher(lambda prompt, _: f"<answer>{'no' if 'no | yes' in prompt else 'FTL'}</answer>")
    found = distill(adata, teacher, out, tasks=ANNOTATION, n_examples=4)
    assert counted(found) == {"candidates": 16, "wrong label": 16}
    assert "rejected for 'wrong label': pass a stronger teacher" in caplog.text
    assert "rejected for 'below threshold': pass a lower threshold=" in caplog.text


# --- interruptions ------------------------------------------------------------------------------------------

HOW = {
    "tasks": {"annotation": {"truth": "cell_type"}, "generation": {"truth": "cell_type"}},
    "n_examples": 10, "n_candidates": 2,
}  # fmt: skip


def write(prompt, _):
    return f"<think>{len(prompt)} characters.</think><answer>B cells</answer>"


@pytest.fixture(scope="module")
def whole(adata, tmp_path_factory):
    """All traces of an uninterrupted run, and its counts."""
    out = tmp_path_factory.mktemp("whole") / "traces.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sc_duality.tl._distill._BLOCK", 8)
        found = distill(adata, Teacher(write), out, **HOW)
    return out.read_text(), found.counts


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("error", [ConnectionError("gone"), KeyboardInterrupt()])
def test_a_stopped_run_resumes(adata, out, whole, error):
    teacher = Teacher(write)

    def interrupt(prompt, i):
        if len(teacher.requests) == 3:
            raise error
        return write(prompt, i)

    teacher.write = interrupt
    with pytest.raises(type(error)) as raised:
        distill(adata, teacher, out, **HOW)
    assert "2 of 5 blocks were written to" in raised.value.__notes__[0]
    assert {line["block"] for line in lines(out)} <= {0, 1}
    with out.open("a") as file:
        file.write('{"task": "annotation", "block": 2}\n{"task": "anno')  # as a full disk leaves it
    again = Teacher(write)
    found = distill(adata, again, out, **HOW)
    assert again.requests == [*teacher.requests[2:], *again.requests[1:]]
    assert len(again.requests) == 3
    assert out.read_text() == whole[0]
    pd.testing.assert_frame_equal(found.counts, whole[1])


@pytest.mark.usefixtures("small_blocks")
def test_only_blocks_with_missing_answers_are_requested_again(adata, out, whole, caplog):
    teacher = Teacher(lambda prompt, i: None if len(teacher.requests) == 2 and i % 3 == 0 else write(prompt, i))
    first = distill(adata, teacher, out, **HOW)
    assert first.counts["not answered"].sum() == 6
    assert "6 candidates got no answer: call again to request only these" in caplog.text
    again = Teacher(write)
    found = distill(adata, again, out, **HOW)
    assert again.requests == teacher.requests[1:2]
    assert sorted(out.read_text().splitlines()) == sorted(whole[0].splitlines())
    assert found.counts.to_dict() == whole[1].to_dict()
    done = Teacher(lambda *_: pytest.fail("requested again"))
    assert distill(adata, done, out, **HOW).counts.to_dict() == whole[1].to_dict()


def test_a_repeated_prompt_in_another_block_is_sampled_anew(adata, out, monkeypatch):
    monkeypatch.setattr("sc_duality.tl._distill._BLOCK", 20)
    teacher = Teacher(write)
    distill(adata, teacher, out, tasks=GENERATION, n_examples=40)
    assert set(teacher.requests[0]) & set(teacher.requests[1])
    assert len(set(teacher.seeds)) == len(teacher.requests) == 4


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("full_at", [1, 2, 3, 6, 7])
def test_a_full_disk_keeps_written_traces(adata, out, monkeypatch, whole, full_at):
    synced = []

    def sync(number):
        synced.append(number)
        if len(synced) == full_at:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sc_duality.train._traces.os.fsync", sync)
    with pytest.raises(OSError, match="No space left"):
        distill(adata, Teacher(write), out, **HOW)
    found = distill(adata, Teacher(write), out, **HOW)
    assert out.read_text() == whole[0]
    pd.testing.assert_frame_equal(found.counts, whole[1])


def test_other_settings_and_other_files_are_left_alone(adata, out):
    distill(adata, Teacher(write), out, **HOW)
    before = out.read_text()
    with pytest.raises(FileExistsError, match=r"of other settings \(keep, threshold\)"):
        distill(adata, Teacher(write), out, threshold=0.9, keep=2, **HOW)
    with pytest.raises(FileExistsError, match=r"of other settings \(data, sampling\)"):
        distill(adata, Teacher(write), out, rng=1, **HOW)
    assert out.read_text() == before
    mine = out.with_name("mine.txt")
    mine.write_text("precious\n")
    with pytest.raises(FileExistsError, match="was not written by sd.tl.distill"):
        distill(adata, Teacher(write), mine, **HOW)
    assert mine.read_text() == "precious\n"


# --- a server ---------------------------------------------------------------------------------------------------


def teacher_at(server):
    spec = sd.models.resolve(f"endpoint:{server.address}#served")
    return EndpointModel(spec, backoff=0.01, timeout=20.0, concurrency=4, attempts=2, price=(1e6, 2e6))


@pytest.mark.usefixtures("cache", "small_blocks")
def test_a_dying_server_costs_nothing_twice(adata, out, whole):
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
        assert again.answered.total() <= 80 - before + 8  # those in progress when it died
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


# --- traces for training ----------------------------------------------------------------------------------------


def test_traces_are_read_by_models_of_the_same_prompt_format(adata, out):
    distill(adata, Teacher(write), out, **HOW)
    traces = read_traces(out, ModelSpec("student", "student"))
    assert [(trace.prompt, trace.completion) for trace in traces] == [
        (one["prompt"], one["completion"]) for one in lines(out)
    ]
    assert [trace.texts() for trace in traces] == [[(trace.prompt, trace.completion)] for trace in traces]
    assert not any(trace.contrast_texts() for trace in traces)
    plain = PromptFormat("plain").version
    with pytest.raises(
        ValueError, match=f"has prompts in 'plain', version {plain}, and the model 'small' reads 'terse'"
    ):
        read_traces(out, ModelSpec("small", "small", prompt_format="terse"))
    with out.open("a") as file:
        file.write('{"text": "else"}\n')
    with pytest.raises(ValueError, match=f"line {len(traces) + 1} of .* is not a trace"):
        read_traces(out, ModelSpec("student", "student"))


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_candidates": 0}, ValueError, "n_candidates must be a positive integer, got 0"),
        ({"n_candidates": 2.0}, ValueError, "n_candidates must be a positive integer, got 2.0"),
        ({"n_examples": -1}, ValueError, "n_examples must be a positive integer"),
        ({"keep": True}, ValueError, "keep must be a positive integer, got True"),
        ({"threshold": 1.1}, ValueError, r"threshold must lie between 0 and 1, got 1\.1"),
        ({"threshold": float("nan")}, ValueError, "threshold must lie between 0 and 1, got nan"),
        ({"sampling": sd.Sampling(n_samples=4)}, ValueError, "pass n_samples=1 and n_candidates="),
        ({"sampling": sd.Sampling(temperature=0)}, ValueError, "at temperature 0 all 4 candidates are equal"),
        ({"tasks": "annotation"}, TypeError, "tasks must be a list or a mapping, got the string 'annotation'"),
        ({"tasks": ["puzzle"]}, ValueError, "there is no task 'puzzle'"),
        ({"tasks": ["annotation"] * 2}, ValueError, "tasks must name one task or more, each once"),
        ({"tasks": []}, ValueError, "tasks must name one task or more"),
        ({"tasks": ["response"]}, ValueError, "'teacher' was not trained for the task 'response'"),
        ({"tasks": ["sensitivity"]}, TypeError, "drug"),
        ({"tasks": ["annotation"]}, ValueError, "needs the obs column with the true labels"),
        ({"context": ["tissue"]}, KeyError, "is not an obs column"),
        ({"n_genes": 0}, ValueError, "n_genes must be a positive integer"),
    ],
)
def test_bad_input_is_refused_before_the_first_request(adata, out, options, error, message):
    teacher = Teacher(lambda *_: pytest.fail("requested"), tasks=("annotation", "generation", "sensitivity"))
    with pytest.raises(error, match=message):
        distill(adata, teacher, out, **{"tasks": ANNOTATION, **options})
    assert not out.exists()


def test_a_teacher_that_is_not_a_model(adata, out):
    with pytest.raises(TypeError, match="model must be a name, a folder or an object"):
        distill(adata, object(), out, tasks=ANNOTATION)
    with pytest.raises(ValueError, match="adatas is empty"):
        distill([], Teacher(write), out, tasks=ANNOTATION)


def test_puzzles_are_kept_only_where_all_labels_are_right(tmp_path):
    """Two of eight candidates of each puzzle name all cells right; half right is not enough."""
    puzzles = sd.pp.cell_puzzles(sd.datasets.pbmc3k(), "cell_type", [], n_puzzles=4, n_cells=3, n_genes=20)
    truth = dict(zip(map(" ".join, sd.get.gene_lists(puzzles)), puzzles.obs["cell_type"].astype(str), strict=True))

    asked = Counter()

    def write(prompt, _):
        labels = [truth[line.partition(GENES)[2]] for line in prompt.splitlines() if GENES in line]
        asked[prompt] += 1
        right = labels if asked[prompt] % 4 == 1 else [*labels[:1], *labels[:0:-1]]
        return f"<think>Clear.</think><answer>{' | '.join(right)}</answer>"

    task = {"truth": "cell_type", "groupby": ["puzzle"], "n_cells": 3}
    found = distill(
        puzzles, Teacher(write), tmp_path / "t", tasks={"joint_annotation": task}, n_examples=5, n_candidates=8, keep=8
    )
    counts = found.counts.loc[("joint_annotation", "primal")]
    assert counts["candidates"] == 40
    assert counts["accepted"] == 10
    assert counts["wrong label"] == 30
