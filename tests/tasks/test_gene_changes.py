"""Gene changes as an answer, and the task that predicts them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.tasks import (
    Failure,
    GeneChangeExample,
    GeneChangeResponse,
    GeneChanges,
    Perturbation,
    Reason,
    TrainingExample,
)

GENES = ("ISG15", "IFI6", "ACTB", "TPT1", "CD74", "LYZ")
CONTROL, IFNB, STAT1 = Perturbation("control"), Perturbation("cytokine", "IFNB1"), Perturbation("knockdown", "STAT1")
lists = st.permutations(GENES).flatmap(
    lambda genes: st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
        lambda n: (tuple(genes[: n[0]]), tuple(genes[3 : 3 + n[1]]))
    )
)


def example(perturbation=IFNB, truth=(("ISG15", "IFI6"), ("ACTB",))):
    return GeneChangeExample(
        genes=GENES[:3], perturbation=perturbation, options=(CONTROL, IFNB, STAT1), n_changed=3, truth=truth
    )


@given(lists)
def test_what_is_written_is_read(changes):
    answer = GeneChanges(set(GENES), 3)
    assert answer.parse(answer.write(changes)).value == changes
    assert answer.similarity(changes, changes) == 1
    assert answer.size(changes) == len(answer.write(changes).split())


@given(lists)
def test_scores_order_genes_from_the_most_raised_to_the_most_lowered(changes):
    up, down = changes
    scores = dict(zip(GENES, GeneChanges().gene_scores(changes, GENES), strict=True))
    unnamed = [gene for gene in GENES if gene not in (*up, *down)]
    assert all(scores[gene] == 0 for gene in unnamed)
    ordered = [scores[gene] for gene in (*up, *unnamed[:1], *reversed(down))]
    assert ordered == sorted(set(ordered), reverse=True)


@pytest.mark.parametrize(
    ("text", "value", "n_unknown", "n_duplicates"),
    [
        ("ISG15, IFI6 | ACTB", (("ISG15", "IFI6"), ("ACTB",)), 0, 0),
        ("ISG15 IFI6\nACTB", (("ISG15", "IFI6"), ("ACTB",)), 0, 0),
        ("ISG15 ISG15 FOO | ACTB", (("ISG15",), ("ACTB",)), 1, 1),
        ("ISG15 IFI6 | ISG15 ACTB", (("IFI6",), ("ACTB",)), 0, 1),
        ("| ACTB", ((), ("ACTB",)), 0, 0),
        ("ISG15 IFI6 CD74 LYZ |", (("ISG15", "IFI6", "CD74"), ()), 0, 0),
        (" | ", ((), ()), 0, 0),
    ],
)
def test_common_forms(text, value, n_unknown, n_duplicates):
    found = GeneChanges(set(GENES), 3).parse(text)
    assert (found.value, found.n_unknown, found.n_duplicates) == (value, n_unknown, n_duplicates)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ISG15 IFI6", Reason.WRONG_COUNT),
        ("ISG15 | IFI6 | ACTB", Reason.WRONG_COUNT),
        ("FOO | BAR", Reason.NO_KNOWN_GENE),
    ],
)
def test_unreadable_forms(text, reason):
    found = GeneChanges(set(GENES), 3).parse(text)
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_similarity_is_the_mean_of_both_lists():
    answer = GeneChanges()
    assert answer.similarity((("ISG15",), ("ACTB",)), (("ISG15",), ())) == pytest.approx(0.5)
    assert answer.similarity(((), ()), (("ISG15",), ())) == pytest.approx(0.5)
    assert answer.similarity((("ISG15",), ("ACTB",)), (("ACTB",), ("ISG15",))) == 0


def test_contrast_compares_the_same_changes_under_other_perturbations():
    one = TrainingExample(GeneChangeResponse(prompt_format="compact"), example(), [CONTROL, STAT1])
    prompts, completions = zip(*one.contrast_texts(), strict=True)
    assert [prompt.split(" <cell>")[0] for prompt in prompts] == [
        "<change> <cytokine> <IFNB1>",
        "<change> <control>",
        "<change> <knockdown> STAT1",
    ]
    assert set(completions) == {"ISG15 IFI6 | ACTB"}


def test_the_dual_of_a_control_cell_may_show_noise():
    one = TrainingExample(
        GeneChangeResponse(prompt_format="compact"), example(CONTROL, ((), ())), dual_answer=(("LYZ",), ())
    )
    (_, primal), (dual, perturbation) = one.texts()
    assert (primal, perturbation) == ("|", "<control>")
    assert dual.endswith("<changed> LYZ | <by>")


@pytest.mark.parametrize("settings", [{"n_changed": 0}, {"pairs": "donors"}])
def test_bad_settings(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        GeneChangeResponse(**settings)


def test_compact_names_with_spaces_are_one_token_each():
    named = Perturbation("cytokine", "IFN alpha")
    one = replace(example(), perturbation=named, options=(CONTROL, named))
    prompt = GeneChangeResponse(prompt_format="compact").question(one).prompt
    assert prompt.startswith("<change> <cytokine> <IFN_alpha> <cell> ")
    drug = replace(example(), perturbation="resistant", options=("sensitive", "resistant"), drug="valproic acid")
    assert GeneChangeResponse(prompt_format="compact").question(drug).prompt.startswith("<change> <valproic_acid> ")
