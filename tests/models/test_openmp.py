"""No thread starts threads of its own while a model computes."""

from __future__ import annotations

import pytest

import sc_duality as sd
from sc_duality.models._openmp import one_level
from tests.openmp import levels, nesting


def test_regions_nest_again_afterwards() -> None:
    with nesting():
        with one_level():
            assert levels() == {1}
        assert levels() == {4}
        with pytest.raises(RuntimeError), one_level():
            raise RuntimeError
        assert levels() == {4}


def test_a_model_computes_on_one_level() -> None:
    model = sd.models.load("embedded", device="cpu")
    found: list[set[int]] = []
    assert isinstance(model, sd.models.TransformersModel)
    hook = model.model.base_model.register_forward_pre_hook(lambda *_: found.append(levels()))
    with nesting():
        model.embed(["<annotate> <cell> CD79A MS4A1 CD37 <type>"])
        assert levels() == {4}
    hook.remove()
    assert found == [{1}]
