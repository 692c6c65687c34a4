"""Every task through the duality score in every form."""

import numpy as np
import pytest

from sc_duality.duality import Duality, best_by_duality, duality_score, task_accuracy
from sc_duality.models import LanguageModel
from tests.duality.cases import dual_model, each_case, scores


@each_case
def test_the_sign_tells_right_from_wrong(case, scripted_model):
    assert isinstance(dual_model(scripted_model, case), LanguageModel)
    assert case.sign in case.task.dual(case.example, case.example.truth).prompt
    assert case.sign not in case.task.dual(case.example, case.wrong).prompt


@each_case
def test_posterior(case, scripted_model):
    model = dual_model(scripted_model, case)
    if case.posterior is None:
        with pytest.raises(
            ValueError, match=rf"posterior form .* is not defined .*'{case.task.name}' .*form='likelihood'"
        ):
            scores(model, case, "posterior")
        return
    np.testing.assert_allclose(scores(model, case, "posterior"), [*case.posterior, np.nan])


@each_case
def test_posterior_is_calibrated_by_a_temperature(case, scripted_model):
    if case.posterior is None:
        return
    flat = dual_model(scripted_model, case, temperature=1e9, dual_temperature=1e9)
    dual = case.task.dual(case.example, case.example.truth)
    options = case.task.question(case.example).answer_type.options or dual.answer_type.options
    np.testing.assert_allclose(scores(flat, case, "posterior")[:2], 1 / len(options), rtol=1e-6)


@each_case
def test_likelihood(case, scripted_model):
    dual = case.task.dual(case.example, case.example.truth)
    found = scores(dual_model(scripted_model, case), case, "likelihood")
    if dual.answer_type.options is None:  # genes: gain in nats a gene
        expected = [np.log(3) / dual.answer_type.size(dual.target), 0]
    else:
        expected = np.log([0.75, 0.25])
    np.testing.assert_allclose(found, [*expected, np.nan])


@each_case
def test_sample(case, scripted_model):
    model = dual_model(scripted_model, case)
    np.testing.assert_allclose(scores(model, case, "sample", n_samples=3), [1, 0, np.nan])
    assert len(model.generated) == 6
    budgets = [case.task.dual(case.example, answer).answer_type.n_tokens for answer in (case.example.truth, case.wrong)]
    assert model.params.max_tokens == model.spec.max_new_tokens(max(budgets))
    assert model.params.temperature == 1


@pytest.mark.parametrize("form", ["posterior", "likelihood", "sample"])
@each_case
def test_nothing_hidden_and_no_answer_of_the_model_is_nan(case, form, scripted_model):
    if form == "posterior" and case.posterior is None:
        return
    model = dual_model(scripted_model, case)
    assert np.isnan(duality_score(model, case.task, [case.example], [None], Duality(form=form))).all()
    model.generate = lambda prompts, _: [None] * len(prompts)
    model.score = lambda prompts, choices: np.full((len(prompts), len(choices)), np.nan)
    model.likelihood = lambda prompts, _: np.full(len(prompts), np.nan)
    assert np.isnan(scores(model, case, form)).all()
    assert best_of(model, case, [[case.example.truth, case.wrong]], form).tolist() == [-1]


def best_of(model, case, samples, form):
    return best_by_duality(model, case.task, [case.example] * len(samples), samples, Duality(form=form))


@pytest.mark.parametrize("form", ["posterior", "likelihood", "sample"])
@each_case
def test_best_sample(case, form, scripted_model):
    if form == "posterior" and case.posterior is None:
        return
    right, wrong = case.example.truth, case.wrong
    samples = [[wrong, None, right, right], [right, wrong, None, wrong], [wrong, wrong, None, wrong], [None] * 4]
    assert best_of(dual_model(scripted_model, case), case, samples, form).tolist() == [2, 0, 0, 0]


def found_index(case, options):
    """The first option whose dual prompt holds the sign."""
    return next(i for i, one in enumerate(options) if case.sign in case.task.dual(case.example, one).prompt)


@each_case
def test_accuracy(case, scripted_model):
    question, dual = case.task.question(case.example), case.task.dual(case.example, case.example.truth)
    found = task_accuracy(dual_model(scripted_model, case), case.task, [case.example])
    assert found.n == 1
    has_options = [one.answer_type.options is not None for one in (question, dual)]
    assert np.isnan(found.primal) == (not has_options[0] and question.answer_type.longest is None)
    assert np.isnan(found.dual) == (not any(has_options))
    if any(has_options):
        options = (dual if has_options[1] else question).answer_type.options
        # Of the two orders of three cells that are equally likely, the first that is listed counts.
        assert found.dual == (1 if len(options) == 2 else options[found_index(case, options)] == case.example.truth)
        assert found.chance == pytest.approx(1 / len(options))
    else:
        assert np.isnan(found.chance)
