"""Settings of the duality score."""

import pytest

import sc_duality as sd


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"form": "prior"}, "form"),
        ({"context": "genes"}, "context"),
        ({"hidden": "none"}, "hidden"),
        ({"n_samples": 0}, "n_samples"),
        ({"hidden_fraction": 0.0}, "hidden_fraction must be above 0 and at most 1, got 0.0"),
        ({"hidden_fraction": 1.5}, "hidden_fraction must be above 0 and at most 1, got 1.5"),
        ({"hidden": "cluster"}, "hidden='cluster' and cluster=, the obs column with the clusters, belong together"),
        ({"cluster": "leiden"}, "belong together"),
        ({"verifier": "embedded"}, "verifier must be 'reference', 'policy' or a loaded model"),
    ],
)
def test_invalid_settings_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        sd.Duality(**settings)


def test_a_loaded_model_verifies(scripted_model):
    model = scripted_model("", "")
    assert sd.Duality(verifier=model).verifier is model


def test_the_paper():
    paper = sd.Duality(form="sample", context="observed", hidden_fraction=0.3, verifier="policy")
    assert (paper.form, paper.n_samples, paper.hidden) == ("sample", 4, "random")
