from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import Answer, AnswerTemplate, FreeText, PromptFormat, Question, Reason

CAPTION = "These are B cells: they express CD79A, MS4A1 and CD74, and lack CD3E."


@pytest.fixture
def question() -> Question:
    prompt_format = PromptFormat("plain")
    template = AnswerTemplate(lambda text: f"<answer>{text}</answer>", prompt_format.read)
    return Question("Describe these cells.", FreeText(max_words=40), template, CAPTION)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n\t", Reason.EMPTY),
        ("... 12", Reason.EMPTY),
        ("word " * 41, Reason.TOO_LONG),
        ("CD79A MS4A1 CD74 CD37 HLA-DRA RPL3", Reason.GENE_LIST),
        ("Cd79a Ms4a1 H2-aa Ly6d Cd74 Iglc2", Reason.GENE_LIST),
        ("CD79A, MS4A1, CD74, CD37, and HLA-DRA", Reason.GENE_LIST),
        ("Cell sentence: CD79A MS4A1 CD74 CD37 HLA-DRA RPL3.", Reason.GENE_LIST),
    ],
)
def test_what_is_no_text_of_the_wanted_length(text, reason):
    assert FreeText(max_words=40).parse(text).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        CAPTION,
        "B cells",
        "HALLMARK_INTERFERON_GAMMA_RESPONSE",
        "NK",
        "Interferon: ISG15, IFI6, IFIT1, are up.",
        "Zelle",
    ],
)
def test_text_is_read_as_it_stands(text):
    assert FreeText(max_words=40).parse(f" {text}\n") == Answer(text)


def test_reasoning_and_tags(question):
    found = question.parse(f"<think>CD79A is high.</think><answer>{CAPTION}</answer>")
    assert (found.value, found.reasoning) == (CAPTION, "CD79A is high.")
    assert question.parse(CAPTION).reason == Reason.NO_TAG


def test_text_without_tags_counts_if_it_is_complete(question):
    assert question.parse_tolerantly(CAPTION).value == CAPTION
    assert question.parse_tolerantly(f"<think>B or T?</think>{CAPTION}").value == CAPTION
    cut = CAPTION[:40]
    assert question.parse_tolerantly(cut).reason == Reason.NO_TAG
    assert question.parse_tolerantly(f"<answer>{CAPTION}").reason == Reason.NO_TAG


def test_similarity_is_the_overlap_of_words():
    text = FreeText()
    assert text.similarity(CAPTION, CAPTION.upper()) == 1
    assert text.similarity("B cells", "T cells") == 0.5
    assert text.similarity("B cells", "cells cells cells cells") == pytest.approx(1 / 3)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    found = FreeText(max_words=20).parse(text)
    assert not isinstance(found, Answer) or found.value == text.strip()
