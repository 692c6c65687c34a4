"""The transformers engine against plain forward passes, one prompt and one choice at a time."""

import numpy as np
import pytest
import torch

import sc_duality as sd
from sc_duality.models import SamplingParams

PROMPTS = ["A B C", "D", "E F G H A B C D", "B B", "H G F E D", "A"]
CHOICES = ["T cell", "NK cell", "B", "naive T cell", "naive B cell"]


@pytest.fixture(scope="module")
def model(tiny_folder):
    return sd.models.load(tiny_folder, dtype="float32")


def log_likelihood(model, prompt, choice):
    """One forward pass over prompt and choice."""
    prompt_ids = model.tokenizer.encode(prompt)
    choice_ids = model.tokenizer.encode(choice, add_special_tokens=False)
    with torch.no_grad():
        logits = model.model(torch.tensor([prompt_ids + choice_ids])).logits[0].double()
    steps = torch.log_softmax(logits[len(prompt_ids) - 1 : -1], -1)
    return steps[range(len(choice_ids)), choice_ids].sum().item()


@pytest.mark.parametrize(
    "choices", [CHOICES, ["T", "B", "NK"], ["naive T cell", "naive B cell"], ["T", "T cell"], ["B"]]
)
def test_scores_equal_one_forward_pass_a_choice(model, choices):
    expected = [[log_likelihood(model, prompt, choice) for choice in choices] for prompt in PROMPTS]
    np.testing.assert_allclose(model.score(PROMPTS, choices), expected, atol=2e-5)


ANSWERS = ["T cell", "NK cell", "B", "naive T cell", "naive B cell T", "T"]


def test_likelihoods_equal_one_forward_pass_an_answer(model):
    expected = [log_likelihood(model, prompt, answer) for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]
    np.testing.assert_allclose(model.likelihood(PROMPTS, ANSWERS), expected, atol=2e-5)


def test_likelihood_is_the_score_of_that_choice(model):
    scores = model.score(PROMPTS, CHOICES)
    for i, choice in enumerate(CHOICES):
        np.testing.assert_allclose(model.likelihood(PROMPTS, [choice] * len(PROMPTS)), scores[:, i], atol=2e-5)


def test_chat_models_are_scored_in_their_template(chat_folder):
    model = sd.models.load(chat_folder, dtype="float32")
    found = model.likelihood(["A B"], ["T cell"])
    np.testing.assert_allclose(found, [log_likelihood(model, "user A B assistant", "T cell")], atol=2e-5)


def test_scores_in_parts_equal_scores_at_once(model, monkeypatch):
    at_once = model.score(PROMPTS, CHOICES)
    monkeypatch.setattr("sc_duality.models.engines.transformers._choice_scoring._MAX_ROWS", 1)
    np.testing.assert_allclose(model.score(PROMPTS, CHOICES), at_once, atol=2e-5)


@pytest.mark.parametrize("batch_tokens", [1, 8, 10_000])
def test_nothing_depends_on_batches_or_order(model, batch_tokens, monkeypatch):
    scores, vectors = model.score(PROMPTS, CHOICES), model.embed(PROMPTS)
    likelihoods = model.likelihood(PROMPTS, ANSWERS)
    texts = model.generate(PROMPTS, SamplingParams(max_tokens=5))
    monkeypatch.setattr(model, "batch_tokens", batch_tokens)
    order = [3, 0, 5, 1, 4, 2]
    shuffled = [PROMPTS[i] for i in order]
    np.testing.assert_allclose(model.score(shuffled, CHOICES), scores[order], atol=2e-5)
    np.testing.assert_allclose(model.likelihood(shuffled, [ANSWERS[i] for i in order]), likelihoods[order], atol=2e-5)
    np.testing.assert_allclose(model.embed(shuffled), vectors[order], atol=2e-5)
    assert model.generate(shuffled, SamplingParams(max_tokens=5)) == [texts[i] for i in order]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_answers_do_not_depend_on_other_prompts_to_the_last_bit(tiny_folder, dtype):
    model = sd.models.load(tiny_folder, device="cpu", dtype=dtype)
    scores, vectors = model.score(PROMPTS, CHOICES), model.embed(PROMPTS)
    likelihoods, short = model.likelihood(PROMPTS, ANSWERS), model.score(PROMPTS, ["T", "B"])
    texts = model.generate(PROMPTS, SamplingParams(max_tokens=8))
    for i, prompt in enumerate(PROMPTS):
        others = ["C D", "A", prompt] * 40
        assert model.generate(others, SamplingParams(max_tokens=8))[-1] == texts[i]
        sampled = SamplingParams(max_tokens=8, temperature=1.0)
        assert model.generate(others, sampled)[others.index(prompt)] == model.generate([prompt], sampled)[0]
        np.testing.assert_array_equal(model.likelihood([prompt], [ANSWERS[i]])[0], likelihoods[i])
        np.testing.assert_array_equal(model.likelihood(others, ["B", "T cell", ANSWERS[i]] * 40)[-1], likelihoods[i])
        np.testing.assert_array_equal(model.score([prompt], CHOICES)[0], scores[i])
        np.testing.assert_array_equal(model.score(others, ["T", "B"])[-1], short[i])
        np.testing.assert_array_equal(model.embed(["C D", prompt] * 40)[-1], vectors[i])


def test_embedding_is_the_mean_over_the_prompts_own_tokens(model):
    ids = torch.tensor([model.tokenizer.encode(PROMPTS[2])])
    with torch.no_grad():
        expected = model.model.model(ids).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(model.embed(PROMPTS)[2], expected, atol=2e-5)


def test_greedy_completion_takes_the_most_likely_token_each_time(model):
    for prompt, text in zip(PROMPTS, model.generate(PROMPTS, SamplingParams(max_tokens=4)), strict=True):
        ids = model.tokenizer.encode(prompt)
        n = len(ids)
        for _ in range(4):
            with torch.no_grad():
                ids.append(int(model.model(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == model.tokenizer.eos_token_id:
                break
        assert text == model.tokenizer.decode(ids[n:], skip_special_tokens=True)


def test_prompts_of_different_lengths_are_answered_together(model, monkeypatch):
    shapes, generate = [], model.model.generate
    monkeypatch.setattr(
        model.model, "generate", lambda **options: shapes.append(options["input_ids"].shape) or generate(**options)
    )
    texts = model.generate(PROMPTS, SamplingParams(max_tokens=4))
    assert shapes == [(2048 // 60, 60)]  # the context of 64 tokens less those of the completion
    assert len(set(texts)) > 1


def test_samples_depend_on_the_seed(model):
    samples = [model.generate(PROMPTS, SamplingParams(max_tokens=8, temperature=1.5, seed=seed)) for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2]


def test_few_completions_use_the_batch_shape_of_many(model, monkeypatch):
    rows, generate = [], model.model.generate
    monkeypatch.setattr(
        model.model, "generate", lambda **options: rows.append(len(options["input_ids"])) or generate(**options)
    )
    monkeypatch.setattr(model, "batch_tokens", 64 * 64)
    few, many = (model.generate(["A B"] * n, SamplingParams(max_tokens=2, temperature=1.0)) for n in (1, 70))
    assert rows == [64, 64, 64]
    assert few[0] == many[0]


def test_chat_models_get_prompts_in_their_template(chat_folder):
    model = sd.models.load(chat_folder)
    assert model._encode(["A B"], max_new_tokens=1) == [model.tokenizer.encode("user A B assistant")]


def test_prompt_beyond_the_context_is_refused_before_any_work(model):
    with pytest.raises(ValueError, match=r"prompt 1 has 63 tokens .* may have 3, .* reads 64: use fewer genes"):
        model.score(["A", "A " * 63], CHOICES)
    with pytest.raises(ValueError, match=r"prompt 1 has 63 tokens .* may have 2, .* reads 64: use fewer genes"):
        model.likelihood(["A", "A " * 63], ["T cell", "T cell"])


def test_no_prompts_get_no_answers_and_no_choices_are_refused(model):
    assert model.score([], CHOICES).shape == (0, len(CHOICES))
    assert model.likelihood([], []).shape == (0,)
    assert model.embed([]).shape == (0, 0)
    assert model.generate([], SamplingParams(max_tokens=2)) == []
    with pytest.raises(ValueError, match="choices is empty"):
        model.score(PROMPTS, [])


def test_choice_outside_the_vocabulary_is_refused(model):
    with pytest.raises(ValueError, match="the answer 'Z' is not in the vocabulary"):
        model.score(["A"], ["Z", "B"])
    with pytest.raises(ValueError, match="the answer 'Z' is not in the vocabulary"):
        model.likelihood(["A", "B"], ["B", "Z"])


def test_sampling_does_not_change_the_callers_random_state(model):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    model.generate(["A"], SamplingParams(max_tokens=2, temperature=1.0))
    assert torch.rand(1) == expected


@pytest.mark.parametrize(("amx", "avx", "expected"), [(0, 0, "float32"), (1, 0, "bfloat16"), (0, 1, "bfloat16")])
def test_bfloat16_is_used_where_the_processor_multiplies_it(tiny_folder, monkeypatch, amx, avx, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: bool(amx))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bool(avx))
    spec = sd.models.resolve(tiny_folder)
    assert sd.models.TransformersModel(spec, device="cpu").dtype == expected


def test_float64_is_made_on_the_processor(model, monkeypatch):
    """MPS has no float64."""
    moved, cpu = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda values: moved.append(values.dtype) or cpu(values))
    monkeypatch.setattr(sd.settings, "cache", False)
    model.score(PROMPTS, CHOICES)
    model.score(PROMPTS, ["naive T cell", "naive T cell B"])
    model.likelihood(PROMPTS, ANSWERS)
    assert set(moved) == {torch.float32}


def test_a_prompt_without_tokens_is_refused(model):
    with pytest.raises(ValueError, match="prompt 1 has no tokens, its text is ' '"):
        model.score(["A", " "], CHOICES)
    with pytest.raises(ValueError, match="prompt 0 has no tokens, its text is ''"):
        model.likelihood([""], ["B"])
