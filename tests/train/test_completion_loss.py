"""The loss of SFT per text and per token, against losses computed one text at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("trl")

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig

from benchmarks._toy_model import save_toy
from sc_duality.train._completion_loss import CompletionLosses, TextMeanSFT, text_mean, token_mean

#: Token ids and where the completion begins.
TEXTS = (([5, 6, 7, 8, 9], 4), ([10, 11, 12], 1), ([5, 9, 6, 8, 7, 11, 12], 3))


def trainer_of(folder, **options):
    rows = [{"input_ids": ids, "labels": [-100] * begin + ids[begin:]} for ids, begin in TEXTS]
    args = SFTConfig(str(folder / "out"), report_to=[], use_cpu=True, disable_tqdm=True, **options)
    return TextMeanSFT(
        model=AutoModelForCausalLM.from_pretrained(folder),
        args=args,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toy") / "random")


@pytest.fixture(scope="module")
def trainer(toy):
    return trainer_of(toy, bf16=False)


def alone(model, ids, begin):
    """Mean negative log-likelihood of the completion of one text."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return -np.mean([logits[i - 1, ids[i]].item() for i in range(begin, len(ids))])


def test_the_loss_is_the_mean_over_texts(trainer):
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(TEXTS))])
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, batch)
        found, out = trainer.completion_losses(trainer.model, batch)
    each = [alone(trainer.model, ids, begin) for ids, begin in TEXTS]
    assert loss.item() == pytest.approx(np.mean(each), rel=1e-4)
    assert (found.nats / found.n_tokens).tolist() == pytest.approx(each, rel=1e-4)
    assert out.logits.shape[0] == found.n_tokens.sum() == 1 + 2 + 4


def test_all_positions_have_logits_outside_of_the_loss(trainer):
    batch = trainer.data_collator([trainer.train_dataset[0]])
    trainer.completion_losses(trainer.model, batch)
    assert trainer.model(input_ids=batch["input_ids"]).logits.shape[:2] == batch["input_ids"].shape


def test_gradients_are_those_of_a_pass_over_all_positions(toy, trainer):
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(TEXTS))])
    model = AutoModelForCausalLM.from_pretrained(toy)
    each = []
    for ids, begin in TEXTS:
        labels = torch.tensor([[-100] * begin + ids[begin:]])
        each.append(model(input_ids=torch.tensor([ids]), labels=labels).loss)
    torch.stack(each).mean().backward()
    trainer.model.zero_grad()
    trainer.compute_loss(trainer.model, batch).backward()
    for (name, expected), found in zip(model.named_parameters(), trainer.model.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, atol=1e-6, rtol=1e-4, msg=name)
    trainer.model.zero_grad()


def test_mixed_precision_is_kept(toy):
    trainer = trainer_of(toy, bf16=True)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(TEXTS))])
    with torch.no_grad():
        found, out = trainer.completion_losses(trainer.model, batch)
    assert out.logits.dtype is torch.bfloat16
    assert trainer.model.dtype is torch.float32
    each = [alone(trainer.model, ids, begin) for ids, begin in TEXTS]
    assert (found.nats / found.n_tokens).tolist() == pytest.approx(each, rel=0.05)


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(1, 200)), min_size=1, max_size=8))
def test_means(texts):
    nats, n_tokens = (torch.tensor(values, dtype=torch.float64) for values in zip(*texts, strict=True))
    losses = CompletionLosses(nats, n_tokens)
    assert text_mean(losses).item() == pytest.approx(np.mean([a / b for a, b in texts]))
    assert token_mean(losses).item() == pytest.approx(sum(a for a, _ in texts) / sum(b for _, b in texts))


def test_no_text_has_no_loss():
    none = CompletionLosses(torch.zeros(0), torch.zeros(0))
    assert text_mean(none) == token_mean(none) == 0
