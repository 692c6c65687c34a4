"""Response: the dual chooses the perturbation, or how the cell took a drug."""

import pytest

from sc_duality.tasks import Failure, Perturbation, Reason, Response, response_example

STAT1, OTHER, NOTHING = Perturbation("knockdown", "STAT1"), Perturbation("knockdown", "STAT2"), Perturbation("control")
DRUG = Perturbation("drug", "panobinostat", dose="0.2 µM", time="24 h")
ALL = [STAT1, OTHER, DRUG, NOTHING]


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
@pytest.mark.parametrize("cause", ALL, ids=str)
def test_every_perturbation_is_read_back(prompt_format, cause):
    task = Response(prompt_format)
    example = response_example(["A", "B"], cause, ALL)
    assert task.parse_dual(task.dual_answer(cause), example).value == cause
    assert task.parse(task.answer(["B", "A"]), example).value == ("B", "A")


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_dual_shows_both_cells_and_does_not_tell_the_cause(prompt_format):
    task = Response(prompt_format)
    texts = {task.dual_prompt(("C", "D"), response_example(["A", "B"], cause, ALL)) for cause in ALL}
    assert len(texts) == 1
    words = texts.pop().split()
    assert [word for word in words if word in "ABCD" and len(word) == 1][-4:] == ["A", "B", "C", "D"]


def test_plain_prompt_tells_dose_and_time():
    text = Response("plain").prompt(response_example(["A"], DRUG, ALL))
    assert "the drug panobinostat, 0.2 µM, 24 h." in text
    assert "knockdown of STAT1." in Response("plain").prompt(response_example(["A"], STAT1, ALL))


def test_a_part_of_a_name_is_no_answer():
    example = response_example(["A"], STAT1, ALL)
    found = Response("compact").parse_dual("<knockdown>", example)
    assert isinstance(found, Failure)
    assert found.reason == Reason.UNKNOWN_LABEL


@pytest.mark.parametrize("prompt_format", ["plain", "terse", "compact"])
def test_a_sensitivity_label_may_be_the_unknown(prompt_format):
    task = Response(prompt_format)
    example = response_example(["A", "B"], "resistant", ["sensitive", "resistant"], drug="erlotinib")
    assert "resistant" in task.prompt(example)
    assert "erlotinib" in task.prompt(example)
    assert "erlotinib" in task.dual_prompt(("C",), example)
    assert task.parse_dual(task.dual_answer("resistant"), example).value == "resistant"
    assert task.score("resistant", "sensitive") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["A"], STAT1, [OTHER]), "'knockdown STAT1' must be one of the candidates"),
        ((["A"], "resistant", ["resistant", "sensitive"]), "a sensitivity label needs drug="),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        response_example(*arguments)
    with pytest.raises(ValueError, match="a Perturbation has none"):
        response_example(["A"], STAT1, ALL, drug="erlotinib")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("",), "a perturbation needs an operation"),
        (("knockdown",), "the operation 'knockdown' needs a target"),
        (("control", "STAT1"), "the operation 'control' has no target, got target='STAT1'"),
    ],
)
def test_half_a_perturbation_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Perturbation(*fields)


def test_an_empty_dose_or_time_is_any():
    assert Perturbation("drug", "panobinostat").covers(DRUG)
    assert DRUG.covers(DRUG)
    assert not DRUG.covers(Perturbation("drug", "panobinostat"))
    assert not Perturbation("drug", "panobinostat", dose="1 µM").covers(DRUG)
    assert not STAT1.covers(OTHER)
