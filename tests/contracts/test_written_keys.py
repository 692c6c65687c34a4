"""The docstring of each tool lists the keys that it writes, all of them and no others."""

import inspect
import re

import pytest

import sc_duality as sd

SLOTS = ("obs", "obsm", "uns", "var", "layers")


def keys(adata):
    """The keys of every slot, and those of each result in uns."""
    found = {(slot, key) for slot in SLOTS for key in getattr(adata, slot)}
    return found | {("uns", key, name) for key, value in adata.uns.items() if hasattr(value, "keys") for name in value}


def as_documented(slot, key, argument):
    """A key in the notation of the docstrings; results are named "result" in these tests."""
    for base, name in (("result", argument), ("cell_sentence", "sentence_key")):
        if key.startswith(base):
            rest = key.removeprefix(base)
            return f'{slot}[{name} + "{rest}"]' if rest else f"{slot}[{name}]"
    return f'{slot}["{key}"]'


def documented(tool):
    """The keys in the section "Returns" of a docstring."""
    section = inspect.getdoc(tool).split("Returns\n-------\n")[1].split("\nRaises\n")[0]
    headings = [line for line in section.splitlines() if line.startswith("``")]
    return {key for line in headings for key in re.findall(r"``((?:obs|obsm|uns|var|layers)\[.*?)``", line)}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (sd.tl.annotate, {"unique": "sample"}),
        (sd.tl.predict, {"task": ("sensitivity", {"drug": "panobinostat"})}),
        (sd.tl.sensitivity, {"drug": "panobinostat"}),
        (sd.tl.embed, {}),
    ],
)
def test_tools_that_add_a_result(tool, arguments):
    adata = sd.datasets.pbmc3k()[:3].copy()
    adata.obs["sample"] = "one"
    before = keys(adata)
    tool(adata, key_added="result", **arguments)
    written = {as_documented(*key, "key_added") for key in keys(adata) - before if len(key) == 2}
    assert written == documented(tool)


def test_duality():
    adata = sd.datasets.pbmc3k()[:3].copy()
    sd.tl.annotate(adata, key_added="result")
    before = keys(adata)
    sd.tl.duality(adata, "result", n_genes=10)
    added = keys(adata) - before
    written = {as_documented(*key, "key") for key in added if len(key) == 2}
    written |= {f'uns[key]["{name}"]' for _, key, name in (key for key in added if len(key) == 3) if key == "result"}
    assert written == documented(sd.tl.duality)


def test_explain():
    adata = sd.datasets.pbmc3k()[:3].copy()
    sd.tl.annotate(adata, key_added="result")
    before = keys(adata)
    sd.tl.explain(adata, "result", n_cells=1, n_genes=2)
    added = keys(adata) - before
    assert {f'uns[key]["{name}"]' for _, key, name in added if key == "result"} == documented(sd.tl.explain)
    assert len(added) == 1
    kept = adata.uns["result"]["evidence"]
    section = inspect.getdoc(sd.tl.explain)
    assert all(f"``{name}``" in section for name in kept)
    assert all(f"``{name}``" in section for name in ("drop", "contrast", "rank", "fraction", "is_marker"))


@pytest.mark.parametrize("tool", [sd.tl.generate, sd.tl.perturb])
def test_tools_that_return_new_cells(tool):
    adata = sd.datasets.pbmc3k()[:3].copy()
    if tool is sd.tl.generate:
        found, before = tool({"B cell": 2}, n_genes=5, key_added="result"), set()
    else:
        found, before = tool(adata, ("cytokine", "IFNB1"), n_genes=5, key_added="result"), keys(adata)
    written = {as_documented(*key, "key_added") for key in keys(found) - before if len(key) == 2 and key[1] is not None}
    assert written == documented(tool)
