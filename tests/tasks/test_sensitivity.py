"""Drug sensitivity and its dual."""

import pytest

from sc_duality.tasks import Sensitivity, sensitivity_example

GENES = [f"G{i}" for i in range(20)]


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_right_answers_are_read_back(prompt_format):
    task = Sensitivity(prompt_format)
    example = sensitivity_example(GENES, "erlotinib", hidden_fraction=0.3, rng=2)
    for label in ("sensitive", "resistant"):
        assert task.parse(task.answer(label), example).value == label
        hidden = task.parse_dual(task.dual_answer(example.unknown), example)
        assert task.score(example.unknown, hidden.value) == pytest.approx(1)


def test_compact_labels_are_words_of_their_own():
    task = Sensitivity("compact")
    example = sensitivity_example(GENES, "erlotinib", ("sensitive", "not sensitive"))
    assert task.answer("not sensitive") == "<not_sensitive>"
    assert task.parse("<not_sensitive>", example).value == "not sensitive"


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_question_and_dual_name_the_drug(prompt_format):
    task = Sensitivity(prompt_format)
    example = sensitivity_example(GENES, "erlotinib", hidden_fraction=0.5)
    for text in (task.prompt(example), task.dual_prompt("resistant", example), task.dual_prompt(None, example)):
        assert "erlotinib" in text
        assert [word for word in text.split() if word in GENES] == list(example.known["genes"])
    assert "resistant" in task.dual_prompt("resistant", example)
    assert "resistant" not in task.dual_prompt(None, example)


def test_a_drug_without_a_name_is_refused():
    with pytest.raises(ValueError, match="the drug has no name"):
        sensitivity_example(GENES, " ")
