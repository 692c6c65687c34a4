"""Drug sensitivity and its dual task."""

from dataclasses import replace

import pytest

from sc_duality.tasks import Sensitivity, SensitivityExample, hide_genes

GENES = tuple(f"G{i}" for i in range(20))
OBSERVED, HIDDEN = hide_genes(GENES, 0.5, rng=2)


def example(options=("sensitive", "resistant")):
    return SensitivityExample(genes=OBSERVED, observed=OBSERVED, hidden_genes=HIDDEN, options=options, drug="erlotinib")


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_right_answers_are_read(prompt_format):
    task = Sensitivity(drug="erlotinib", prompt_format=prompt_format)
    question = task.question(example())
    for label in ("sensitive", "resistant"):
        assert question.parse(question.completion(label)).value == label
        dual = task.dual(example(), label)
        assert dual.similarity(dual.parse(dual.completion(HIDDEN)).value) == pytest.approx(1)


def test_compact_labels_are_one_token_each():
    question = Sensitivity(drug="erlotinib", prompt_format="compact").question(example(("sensitive", "not sensitive")))
    assert question.completion("not sensitive") == "<not_sensitive>"
    assert question.parse("<not_sensitive>").value == "not sensitive"


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_prompt_and_dual_prompt_have_the_drug(prompt_format):
    task = Sensitivity(drug="erlotinib", prompt_format=prompt_format)
    with_label, without = task.dual(example(), "resistant").prompt, task.dual(example(), None).prompt
    for prompt in (task.question(example()).prompt, with_label, without):
        assert "erlotinib" in prompt
        assert [name for name in prompt.split() if name in GENES] == list(OBSERVED)
    assert "resistant" in with_label
    assert "resistant" not in without


@pytest.mark.parametrize("drug", [" ", "", None])
def test_a_drug_without_a_name_raises(drug):
    with pytest.raises(ValueError, match="drug must be a name, such as 'erlotinib', got"):
        Sensitivity(drug=drug)


def test_a_compact_drug_is_one_token():
    task, one = Sensitivity(drug="x", prompt_format="compact"), replace(example(), drug="valproic acid")
    assert task.question(one).prompt.startswith("<sensitivity> <valproic_acid> <cell> ")
    assert task.dual(one, None).prompt.startswith("<inpaint> <valproic_acid> <cell> ")
