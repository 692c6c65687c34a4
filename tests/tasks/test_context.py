"""Facts about a cell become the sentences of Cell-o1's table 9."""

import pytest

from sc_duality.tasks import context_sentences


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("sex", "female", "The cell is from a female individual."),
        ("Development Stage", "adult stage", "The individual is at the adult stage."),
        ("self_reported_ethnicity", "Finnish", "The donor has a Finnish background."),
        ("tissue", "liver", "The cell originates from the liver."),
        ("disease", "normal", "The patient is healthy with no diagnosed disease."),
        ("disease", "COVID-19", "The patient has been diagnosed with COVID-19."),
        ("smoking_status", "Former", "The patient is a former smoker."),
        ("tumor_stage", "early", "The patient has an early-stage tumor."),
        ("sample_type", "M3", "The sample was collected at month 3 post-treatment."),
        ("genotype", "APL", "The patient is diagnosed with acute promyelocytic leukemia (APL)."),
        ("medical_conditions", "COPD", "The lung condition is described as COPD."),
        ("assay", "10x 3' v3", "Assay: 10x 3' v3."),
        ("smoking_status", "sometimes", "Smoking status: sometimes."),
    ],
)
def test_every_fact_has_its_sentence(name, value, sentence):
    assert context_sentences({name: value}) == (sentence,)


def test_order_is_kept_and_values_are_data():
    assert context_sentences({"tissue": "{0} {x}", "sex": "male"}) == (
        "The cell originates from the {0} {x}.",
        "The cell is from a male individual.",
    )
    assert context_sentences({}) == ()
