"""Logits of the last positions against those of a whole pass."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from sc_duality.models.engines.transformers._last_logits import last_logits

SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "vocab_size": 20}


def llama(**options) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES, **options)).eval()


@pytest.mark.parametrize("n", [1, 3, 7, 50])
@pytest.mark.parametrize(
    "options",
    [
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 2, "num_key_value_heads": 2, "head_dim": 16, "attention_bias": True},
        {"num_hidden_layers": 2, "attn_implementation": "eager"},
    ],
)
@torch.no_grad()
def test_llama_as_in_a_whole_pass(options, n):
    model, ids = llama(**options), torch.randint(20, (3, 7))
    torch.testing.assert_close(last_logits(model, ids, n), model(ids).logits[:, -n:], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_last_layer_reads_other_positions_as_keys_and_values_alone():
    model, rows = llama(num_hidden_layers=2), []
    for layer in model.model.layers:
        layer.mlp.register_forward_hook(lambda _, inputs, __: rows.append(inputs[0].shape[1]))
    last_logits(model, torch.randint(20, (2, 9)), 2)
    assert rows == [9, 2]


def test_dropout_of_attention_is_left_to_the_model():
    model, seen = llama(num_hidden_layers=1, attention_dropout=0.5).train(), []
    model.model.register_forward_hook(lambda *_: seen.append(True))
    last_logits(model, torch.randint(20, (2, 9)), 2)
    assert seen


@torch.no_grad()
def test_other_architectures_do_all_the_work():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=16, n_layer=2, n_head=2)).eval()
    ids = torch.randint(20, (2, 6))
    torch.testing.assert_close(last_logits(model, ids, 2), model(ids).logits[:, -2:], atol=1e-5, rtol=1e-5)
