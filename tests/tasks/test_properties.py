"""Properties of parsers and answer types that hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sc_duality.metrics import normal_form
from sc_duality.tasks import (
    Annotation,
    Answer,
    Assignment,
    Failure,
    GeneList,
    GeneLists,
    Label,
    LabelExample,
    Perturbation,
    Reason,
    Response,
    ResponseExample,
    read_genes,
    read_label,
    read_labels,
    split_completion,
)

LABELS = ("B cell", "T cell", "CD4 T cell")
GENES = ("CD79A", "MS4A1", "CD3E", "NKG7", "HLA-A")
KNOWN = frozenset(GENES)

#: Any text, and text made of pieces that parsers look for.
texts = st.text() | st.lists(
    st.sampled_from([*LABELS, *GENES, *"| ,\n_<", "<think>", "</think>", "<answer>", "</answer>", "\x00"])
).map("".join)
gene_lists = st.lists(st.sampled_from(GENES), min_size=1, unique=True).map(tuple)

label = Label(LABELS, tuple(name.replace(" ", "_") for name in LABELS))
perturbations = (Perturbation("knockdown", "STAT1"), Perturbation("drug", "panobinostat", "1 µM", "6 h"))
ANSWER_TYPES = {
    "label": (label, st.sampled_from(LABELS)),
    "perturbation": (Label(perturbations, tuple(map(str, perturbations))), st.sampled_from(perturbations)),
    "assignment": (Assignment(LABELS), st.permutations(LABELS).map(tuple)),
    "assignment of seven": (Assignment(tuple("ABCDEFG")), st.permutations("ABCDEFG").map(tuple)),
    "assignment with repeats": (Assignment(("A", "A", "B")), st.permutations(["A", "A", "B"]).map(tuple)),
    "gene list": (GeneList(KNOWN, 5), gene_lists),
    "gene list without a vocabulary": (GeneList(None, 5), gene_lists),
    "gene lists": (GeneLists(KNOWN, (5, 2)), st.tuples(gene_lists, gene_lists)),
}


def check(found):
    """An answer, or a failure with a reason and a short detail."""
    assert isinstance(found, Answer) or (isinstance(found.reason, Reason) and len(found.detail) <= 80)
    return found


@given(texts, st.booleans())
def test_any_completion_is_split_or_fails(text, tagged):
    found = check(split_completion(text, tagged=tagged))
    if isinstance(found, Answer):
        assert found.value
        assert found.value == found.value.strip()
        assert found.value in text


@given(texts)
def test_any_text_is_read_or_fails(text):
    found = check(read_label(text, LABELS))
    if isinstance(found, Answer):
        assert normal_form(found.value) == normal_form(text)
    found = check(read_labels(text, LABELS))
    if isinstance(found, Answer):
        assert sorted(found.value) == sorted(LABELS)
    found = check(read_genes(text, KNOWN))
    if isinstance(found, Answer):
        assert set(found.value) <= KNOWN
        assert len(set(found.value)) == len(found.value)
        names = text.replace(",", " ").split()
        assert len(names) == len(found.value) + found.n_unknown + found.n_duplicates


@pytest.mark.parametrize("name", ANSWER_TYPES)
@given(data=st.data())
def test_answer_types_parse_any_text(name, data):
    answer_type, _ = ANSWER_TYPES[name]
    found = check(answer_type.parse(data.draw(texts)))
    if isinstance(found, Answer) and answer_type.options is not None:
        assert found.value in answer_type.options


@pytest.mark.parametrize("name", ANSWER_TYPES)
@given(data=st.data())
def test_answers_are_read_as_they_were_written(name, data):
    answer_type, answers = ANSWER_TYPES[name]
    answer = data.draw(answers)
    assert answer_type.parse(answer_type.write(answer)) == Answer(answer)


@pytest.mark.parametrize("name", ANSWER_TYPES)
@given(data=st.data())
def test_similarity_lies_between_0_and_1(name, data):
    answer_type, answers = ANSWER_TYPES[name]
    target, answer = data.draw(answers), data.draw(answers)
    assert 0 <= answer_type.similarity(target, answer) <= 1 + 1e-12
    assert answer_type.similarity(target, target) == pytest.approx(1)
    if answer_type.longest is not None:  # labels match exactly; two lists of genes may differ in a few ranks
        assert (answer_type.similarity(target, answer) == 1) == (target == answer)


@pytest.mark.parametrize("name", ANSWER_TYPES)
@given(data=st.data())
def test_sizes_and_token_budgets(name, data):
    answer_type, answers = ANSWER_TYPES[name]
    answer = data.draw(answers)
    assert answer_type.size(answer) >= 1
    assert answer_type.n_tokens >= 1
    if answer_type.longest is not None:
        assert len(answer_type.write(answer)) <= len(answer_type.write(answer_type.longest))
        assert len(answer_type.write(answer).replace("|", "").split()) <= answer_type.n_tokens


def test_options_are_listed_for_up_to_five_cells():
    assert len(Assignment(tuple("ABC")).options) == 6
    assert len(Assignment(tuple("ABCDE")).options) == 120
    assert Assignment(("A", "A", "B")).options == (("A", "A", "B"), ("A", "B", "A"), ("B", "A", "A"))
    assert Assignment(tuple("ABCDEF")).options is None


def test_an_answer_that_is_not_an_option_is_not_written():
    with pytest.raises(ValueError, match="'neuron' is not one of the options B cell, T cell, CD4 T cell"):
        label.write("neuron")


def test_an_empty_cell_among_several_is_read_as_empty():
    found = GeneLists(KNOWN, (1, 1)).parse("CD79A WHAT CD79A | ?")
    assert found == Answer((("CD79A",), ()), n_unknown=1, n_duplicates=1)


@given(texts, st.sampled_from(["plain", "terse", "compact", "cell-o1"]))
def test_questions_parse_any_completion(text, prompt_format):
    example = LabelExample(genes=GENES, options=LABELS, hidden_genes=GENES)
    task = Annotation(prompt_format=prompt_format, vocabulary=KNOWN)
    for question in (task.question(example), task.dual(example, "B cell")):
        found = check(question.parse(text))
        if isinstance(found, Answer) and question.answer_type.options is None:
            assert set(found.value) <= KNOWN


@given(st.text(), st.sampled_from(["plain", "terse", "compact"]))
def test_any_gene_name_is_data(name, prompt_format):
    task = Response(prompt_format=prompt_format)
    example = ResponseExample(genes=(name,), perturbation=perturbations[0], options=perturbations)
    assert name in task.question(example).prompt
    assert isinstance(task.dual(example, (name,)).parse(""), Failure)
