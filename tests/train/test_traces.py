"""The file of traces after a kill, and completions with characters that end lines elsewhere."""

import pytest

from sc_duality.models import ModelSpec
from sc_duality.tasks import PromptFormat
from sc_duality.train import ACCEPTED, Counts, Trace, TraceFile, read_traces

STUDENT = ModelSpec("student", "student")


def trace(completion):
    return Trace("annotation", "primal", "plain", PromptFormat("plain").version, "Which type?", completion, 1.0)


def add(file, block, *completions):
    traces = [trace(text) for text in completions]
    file.add(block, traces, Counts({("annotation", "primal", ACCEPTED): len(traces)}), {})


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029", "\x1c", "\n", "\r\n", "\x0c", "γδ"])
def test_completions_with_any_character_are_read(tmp_path, character):
    texts = [f"<think>one{character}two</think><answer>B cell</answer>", "<answer>T cell</answer>"]
    file = TraceFile(tmp_path / "traces.jsonl", {})
    add(file, 0, *texts)
    assert [one.completion for one in read_traces(file.path, STUDENT)] == texts
    add(TraceFile(file.path, {}), 0, *texts)  # in place of the earlier one
    assert [one.completion for one in read_traces(file.path, STUDENT)] == texts


def test_a_line_that_ends_within_a_character_is_dropped(tmp_path):
    file = TraceFile(tmp_path / "traces.jsonl", {})
    add(file, 0, "<answer>B cell</answer>")
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + '{"task": "γ'.encode()[:-1])
    assert TraceFile(file.path, {}).is_done(0)
    assert file.path.read_bytes() == whole
