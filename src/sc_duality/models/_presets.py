"""Models that are known by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ._spec import ModelSpec

EMBEDDED = Path(__file__).parent / "embedded"

#: General instruction models; they are fetched from the hub when they are first used.
HUB = (
    ModelSpec(
        name="smollm2-135m",
        source="HuggingFaceTB/SmolLM2-135M-Instruct",
        n_parameters=134_515_008,
        license="Apache-2.0",
        note="small enough for a laptop; too small to know cell types well",
    ),
    ModelSpec(
        name="qwen2.5-1.5b",
        source="Qwen/Qwen2.5-1.5B-Instruct",
        n_parameters=1_543_714_304,
        license="Apache-2.0",
        note="general model for a small GPU",
    ),
    ModelSpec(
        name="llama-3.2-3b",
        source="meta-llama/Llama-3.2-3B-Instruct",
        n_parameters=3_212_749_824,
        license="Llama 3.2 Community License",
        note="base model of the CellDuality paper; gated: log in to the hub first",
    ),
)


def available() -> pd.DataFrame:
    """Models that ``model=`` takes by name.

    A folder, the name of a repository on the Hugging Face hub, or any object with the members of
    :class:`LanguageModel` will do as well.

    Returns
    -------
    One row a model, indexed by ``name``: ``parameters``, ``license``, ``tasks``, ``labels`` (how many
    types it knows by itself; 0 for models that choose from any list), ``source`` and ``note``.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.models.available().loc["embedded", "tasks"]
    'annotation, generation, response, sensitivity'
    """
    from ._load import resolve

    specs = [resolve("embedded"), *HUB]
    rows = [
        {
            "name": spec.name,
            "parameters": spec.n_parameters,
            "license": spec.license,
            "tasks": ", ".join(spec.tasks),
            "labels": len(spec.labels),
            "source": "inside the package" if spec.name == "embedded" else spec.source,
            "note": spec.note,
        }
        for spec in specs
    ]
    return pd.DataFrame(rows).set_index("name")
