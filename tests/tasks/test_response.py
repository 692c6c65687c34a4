"""Response: the dual task chooses the perturbation, or the sensitivity to a drug."""

import pytest

from sc_duality.tasks import Failure, Perturbation, Reason, Response, ResponseExample

STAT1, OTHER, CONTROL = Perturbation("knockdown", "STAT1"), Perturbation("knockdown", "STAT2"), Perturbation("control")
DRUG = Perturbation("drug", "panobinostat", dose="0.2 µM", time="24 h")
ALL = (STAT1, OTHER, DRUG, CONTROL)


def example(perturbation=STAT1, options=ALL, genes=("A", "B"), **fields):
    return ResponseExample(genes=genes, perturbation=perturbation, options=options, **fields)


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
@pytest.mark.parametrize("perturbation", ALL, ids=str)
def test_every_perturbation_is_read(prompt_format, perturbation):
    task = Response(prompt_format=prompt_format)
    question, dual = task.question(example(perturbation)), task.dual(example(perturbation), ("C", "D"))
    assert dual.parse(dual.completion(perturbation)).value == perturbation
    assert question.parse(question.completion(["B", "A"])).value == ("B", "A")


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_dual_shows_both_cells_and_not_the_perturbation(prompt_format):
    task = Response(prompt_format=prompt_format)
    prompts = {task.dual(example(perturbation), ("C", "D")).prompt for perturbation in ALL}
    assert len(prompts) == 1
    names = prompts.pop().split()
    assert [name for name in names if name in "ABCD" and len(name) == 1][-4:] == ["A", "B", "C", "D"]


def test_plain_prompt_has_dose_and_time():
    assert "the drug panobinostat, 0.2 µM, 24 h?" in Response().question(example(DRUG)).prompt
    assert "knockdown of STAT1?" in Response().question(example(STAT1)).prompt


def test_a_part_of_a_perturbation_is_not_an_answer():
    found = Response(prompt_format="compact").dual(example(), ("C",)).parse("<knockdown>")
    assert isinstance(found, Failure)
    assert found.reason == Reason.UNKNOWN_LABEL


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_a_sensitivity_label_may_be_hidden(prompt_format):
    task = Response(prompt_format=prompt_format)
    one = example("resistant", ("sensitive", "resistant"), drug="erlotinib")
    question, dual = task.question(one), task.dual(one, ("C",))
    assert "resistant" in question.prompt
    assert "erlotinib" in question.prompt
    assert "erlotinib" in dual.prompt
    assert dual.parse(dual.completion("resistant")).value == "resistant"
    assert dual.similarity("sensitive") == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options": (OTHER,)}, "the perturbation 'knockdown STAT1' is not one of the options"),
        ({"perturbation": "resistant", "options": ("resistant", "sensitive")}, "a sensitivity label needs drug="),
        ({"drug": "erlotinib"}, "a Perturbation has none"),
    ],
)
def test_invalid_examples_raise(fields, message):
    with pytest.raises(ValueError, match=message):
        example(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("",), "a perturbation needs an operation"),
        (("knockdown",), "the operation 'knockdown' needs a target"),
        (("control", "STAT1"), "the operation 'control' has no target, got target='STAT1'"),
    ],
)
def test_incomplete_perturbations_raise(fields, message):
    with pytest.raises(ValueError, match=message):
        Perturbation(*fields)


def test_an_empty_dose_or_time_matches_any():
    assert Perturbation("drug", "panobinostat").covers(DRUG)
    assert DRUG.covers(DRUG)
    assert not DRUG.covers(Perturbation("drug", "panobinostat"))
    assert not Perturbation("drug", "panobinostat", dose="1 µM").covers(DRUG)
    assert not STAT1.covers(OTHER)


@pytest.mark.parametrize("prompt_format", ["plain", "compact"])
def test_options_that_are_written_alike_are_refused(prompt_format):
    """A dose that stands where a time would stand; a dose that the prompt format leaves out."""
    other = Perturbation("drug", "panobinostat", time="0.2 µM")
    one = Perturbation("drug", "panobinostat", dose="0.2 µM")
    dual = Response(prompt_format=prompt_format).dual
    with pytest.raises(ValueError, match="are both written .*panobinostat.*: a completion cannot tell them apart"):
        dual(example(one, (one, other)), ("C",))


def test_compact_names_with_spaces_are_one_token_each():
    task, named = Response(prompt_format="compact"), Perturbation("cytokine", "IFN alpha")
    one = example(named, (named, CONTROL))
    assert task.question(one).prompt == "<respond> <cytokine> <IFN_alpha> <cell> A B <after>"
    dual = task.dual(one, ("C",))
    assert dual.parse(dual.completion(named)).value == named
    drug = example("resistant", ("sensitive", "resistant"), drug="valproic acid")
    assert task.question(drug).prompt.startswith("<respond> <valproic_acid> <resistant> ")
    assert task.dual(drug, ("C",)).prompt.startswith("<cause> <valproic_acid> ")
