"""A tiny language model with random weights: several tokens per label, optionally a chat template."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "user", "assistant", *"ABCDEFGH", "T", "cell", "NK", "B", "naive"]

#: Vocabulary of a tiny encoder.
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "natural", "killer", "cell", "b", "t", "memory", ","]


def save_tiny(folder: Path, *, chat: bool = False) -> Path:
    tokenizer = Tokenizer(
        models.WordLevel({token: i for i, token in enumerate(dict.fromkeys(TOKENS))}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    if chat:
        fast.chat_template = (
            "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}"
            "{% if add_generation_prompt %}assistant {% endif %}"
        )
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(fast),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            initializer_range=0.5,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def chat_folder(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("chat"), chat=True)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    """A BERT of two layers with random weights."""
    path = tmp_path_factory.mktemp("encoder")
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=512).save_pretrained(path)
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(path)
    return path
