"""Facts about a cell as sentences (the sentences of Cell-o1, table 9)."""

from __future__ import annotations

from collections.abc import Mapping

#: Key of the sentence for any value without one of its own.
ANY = "*"

#: The sentence of each feature, or one sentence a value.
SENTENCES: dict[str, str | dict[str, str]] = {
    "description": "{}",  # sentences already, as in the published puzzles
    "sex": "The cell is from a {} individual.",
    "development_stage": "The individual is at the {}.",
    "ethnicity": "The donor has a {} background.",
    "tissue": "The cell originates from the {}.",
    "disease": {
        "normal": "The patient is healthy with no diagnosed disease.",
        ANY: "The patient has been diagnosed with {}.",
    },
    "smoking_status": {
        "active": "The patient is an active smoker.",
        "former": "The patient is a former smoker.",
        "hist of marijuana use": "The patient has a history of marijuana use.",
        "never": "The patient has never smoked.",
    },
    "tumor_stage": {
        "non-cancer": "There is no cancer present.",
        "early": "The patient has an early-stage tumor.",
        "advanced": "The patient has an advanced-stage tumor.",
    },
    "sample_type": {
        "m3": "The sample was collected at month 3 post-treatment.",
        "m6": "The sample was collected at month 6 post-treatment.",
        "uv": "The sample was exposed to ultraviolet (UV) treatment.",
        "control": "The sample is from the control group.",
    },
    "hemisphere": {
        "left": "The tissue sample was taken from the left hemisphere of the brain.",
        "right": "The tissue sample was taken from the right hemisphere of the brain.",
    },
    "tumor_site": {
        "primary": "The tumor is located at the primary site.",
        "metastasis": "The tumor has metastasized to other parts of the body.",
        "normal": "This sample was collected from non-tumorous tissue.",
    },
    "sample_source": {
        "tumor": "The sample is derived from tumor tissue.",
        "normal": "The sample is derived from normal tissue.",
        "blood": "The sample is a blood-derived specimen.",
        "lymphnode": "The sample is derived from lymph node tissue.",
    },
    "cd45_expression": {
        "yes": "The cell is CD45-positive, suggesting an immune cell origin.",
        "no": "The cell is CD45-negative, suggesting a non-immune cell lineage.",
        "mixed": "The sample contains a mixture of CD45-positive and CD45-negative cells.",
    },
    "diabetes_history": {
        "yes": "The patient has a history of diabetes.",
        "no": "The patient does not have diabetes.",
    },
    "hypertension": {
        "yes": "The patient has a history of hypertension.",
        "no": "The patient does not have hypertension.",
    },
    "activation": {
        "activated": "The sample was stimulated and represents activated immune cells.",
        "resting": "The sample represents resting (non-activated) immune cells.",
    },
    "genotype": {
        "flt3-itd,npm1-mut": "The patient carries FLT3-ITD and NPM1 mutations.",
        "flt3-wt,npm1-mut": "The patient carries a wild-type FLT3 and an NPM1 mutation.",
        "apl": "The patient is diagnosed with acute promyelocytic leukemia (APL).",
    },
    "medical_conditions": {
        "epilepsy": "The patient has a history of epilepsy.",
        "tumor": "The patient has a diagnosed brain tumor.",
        "hydrocephalus": "The patient has hydrocephalus (fluid buildup in the brain).",
        "both": "The patient has both epilepsy and a brain tumor.",
        "other": "The patient has other neurological conditions.",
        "healthy": "The donor was healthy with no reported skin condition.",
        "dm - non ulcer": "The donor had diabetes mellitus without skin ulceration.",
        "keloid": "The donor had a keloid, which is an overgrowth of scar tissue.",
        "localised scleroderma": "The donor was diagnosed with localized scleroderma.",
        "scar": "The donor had a typical scar from prior skin injury.",
        ANY: "The lung condition is described as {}.",
    },
    "egfr": "The patient’s estimated glomerular filtration rate (eGFR) is in the range {}.",
}
#: Names that ``obs`` columns carry for these features.
SAME = {
    "self_reported_ethnicity": "ethnicity",
    "developmental_stage": "development_stage",
    "tumour_stage": "tumor_stage",
}


def context_sentences(context: Mapping[str, str]) -> tuple[str, ...]:
    """Write every fact of ``context`` as a sentence.

    Parameters
    ----------
    context
        Features by name, as ``obs`` columns are called; case, spaces and ``_`` in names, and case in
        values, do not matter. Other features become "Name: value.".

    Returns
    -------
    One sentence a feature, in the order of ``context``.

    Notes
    -----
    Cell-o1, table 9.

    Examples
    --------
    >>> from sc_duality.tasks import context_sentences
    >>> context_sentences({"tissue": "lung", "disease": "normal", "assay": "10x 3' v3"})
    ('The cell originates from the lung.', 'The patient is healthy with no diagnosed disease.', "Assay: 10x 3' v3.")
    """
    return tuple(_sentence(name, str(value)) for name, value in context.items())


def _sentence(name: str, value: str) -> str:
    feature = name.strip().lower().replace(" ", "_")
    known = SENTENCES.get(SAME.get(feature, feature), {})
    sentence = known if isinstance(known, str) else known.get(value.strip().lower(), known.get(ANY))
    return sentence.format(value) if sentence else f"{name[:1].upper()}{name[1:].replace('_', ' ')}: {value}."
