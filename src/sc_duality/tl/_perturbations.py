"""Perturbations as users say them, as models know them, and as files keep them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from ..models import ModelSpec
from ..tasks import Perturbation


def perturbation_of(given: Perturbation | Sequence[str]) -> Perturbation:
    """What a user passes as a perturbation: one, or its fields in order."""
    if isinstance(given, Perturbation):
        return given
    fields = () if isinstance(given, str) or not isinstance(given, Sequence) else tuple(given)
    if not 1 <= len(fields) <= 4 or not all(isinstance(field, str) for field in fields):
        raise ValueError(
            "perturbation must be a sd.tasks.Perturbation or its fields (operation, target, dose, time), such as "
            f"('knockdown', 'STAT1'), got {given!r}"
        )
    return Perturbation(*fields)


def known_as(spec: ModelSpec, asked: Perturbation) -> Perturbation:
    """What the model knows this perturbation as: itself for a model that takes anything.

    Dose and time need to agree only where both sides say them.
    """
    known = [Perturbation(**fields) for fields in spec.known("response", "perturbations", ())]
    same = [one for one in known if one.covers(asked) or asked.covers(one)]
    if known and len(same) != 1:
        why = "could mean several that" if same else "is no perturbation that"
        raise ValueError(
            f"{str(asked)!r} {why} the model {spec.name!r} knows: choose {', '.join(map(str, same or known))}"
        )
    return same[0] if same else asked


def candidates(spec: ModelSpec, asked: Perturbation) -> list[Perturbation]:
    """What the dual may choose from: all that the model knows, with ``asked`` as the user says it, or nothing done."""
    known = [Perturbation(**fields) for fields in spec.known("response", "perturbations", ())]
    if not known:
        return [asked] if asked.is_control else [asked, Perturbation("control")]
    own = known_as(spec, asked)
    return [asked if one == own else one for one in known]


def stored(perturbations: Sequence[Perturbation]) -> str:
    """Perturbations as text that a file can hold."""
    return json.dumps([asdict(one) for one in perturbations])


def restored(text: str) -> dict[str, Perturbation]:
    """Perturbations out of that text, by their words."""
    return {str(one): one for one in (Perturbation(**fields) for fields in json.loads(text))}
