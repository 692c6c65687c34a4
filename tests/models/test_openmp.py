"""No thread starts threads of its own while a model computes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info

import sc_duality as sd
from sc_duality.models._openmp import one_level


def libraries() -> list[ctypes.CDLL]:
    """The OpenMP that is loaded, which may be several."""
    return [ctypes.CDLL(found["filepath"]) for found in threadpool_info() if found["user_api"] == "openmp"]


def levels() -> set[int]:
    """How many OpenMP regions may stand in each other."""
    return {library.omp_get_max_active_levels() for library in libraries()}


@pytest.fixture
def nesting() -> Iterator[None]:
    """Regions may nest, as after numba started its threads."""
    before = [library.omp_get_max_active_levels() for library in libraries()]
    for library in libraries():
        library.omp_set_max_active_levels(4)
    yield
    for library, level in zip(libraries(), before, strict=False):
        library.omp_set_max_active_levels(level)


@pytest.mark.usefixtures("nesting")
def test_regions_nest_again_afterwards() -> None:
    with one_level():
        assert levels() == {1}
    assert levels() == {4}
    with pytest.raises(RuntimeError), one_level():
        raise RuntimeError
    assert levels() == {4}


@pytest.mark.usefixtures("nesting")
def test_a_model_computes_on_one_level() -> None:
    model = sd.models.load("embedded", device="cpu")
    found: list[set[int]] = []
    assert isinstance(model, sd.models.TransformersModel)
    hook = model.model.base_model.register_forward_pre_hook(lambda *_: found.append(levels()))
    model.embed(["<annotate> <cell> CD79A MS4A1 CD37 <type>"])
    hook.remove()
    assert found == [{1}]
    assert levels() == {4}
