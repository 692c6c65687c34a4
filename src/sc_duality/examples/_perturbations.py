"""Perturbations as users write them, as models know them, and as files store them."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict

from ..cells import preview
from ..models import ModelSpec
from ..tasks import GeneChangeResponse, Perturbation, Response

logger = logging.getLogger(__name__)


def to_perturbation(perturbation: Perturbation | Sequence[str]) -> Perturbation:
    """A perturbation, or its fields in order, as a :class:`sc_duality.tasks.Perturbation`.

    Examples
    --------
    >>> from sc_duality.examples import to_perturbation
    >>> str(to_perturbation(("knockdown", "STAT1")))
    'knockdown STAT1'
    """
    if isinstance(perturbation, Perturbation):
        return perturbation
    fields = () if isinstance(perturbation, str) or not isinstance(perturbation, Sequence) else tuple(perturbation)
    if not 1 <= len(fields) <= 4 or not all(isinstance(field, str) for field in fields):
        raise ValueError(
            "perturbation must be a sd.tasks.Perturbation or its fields (operation, target, dose, time), such as "
            f"('knockdown', 'STAT1'), got {perturbation!r}"
        )
    return Perturbation(*fields)


def known_perturbation(spec: ModelSpec, perturbation: Perturbation) -> Perturbation:
    """The model's own form of this perturbation: itself for a model that takes any.

    Dose and time need to agree only where both sides have them. A model with gene tokens that knows a knockdown, or
    another operation on genes, takes it of any of its genes, see :func:`warn_untrained`.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import known_perturbation
    >>> from sc_duality.tasks import Perturbation
    >>> str(known_perturbation(sd.models.resolve("embedded"), Perturbation("cytokine", "IFNB1")))
    'cytokine IFNB1 6 h'
    """
    own = own_perturbation(spec, perturbation)
    known = known_perturbations(spec)
    if own is not None or not known or spec.genes is None:
        return own or perturbation
    operations = {one.operation for one in known}
    if perturbation.is_of_gene and perturbation.operation in operations and perturbation.target in spec.genes:
        return perturbation
    raise ValueError(
        f"{str(perturbation)!r} is not a perturbation of the model {spec.name!r}: choose {', '.join(map(str, known))}"
    )


def warn_untrained(spec: ModelSpec, perturbations: Sequence[Perturbation]) -> None:
    """Warn about perturbations that a model was not trained on, although it lists its perturbations.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import warn_untrained
    >>> from sc_duality.tasks import Perturbation
    >>> warn_untrained(sd.models.resolve("embedded"), [Perturbation("cytokine", "IFNB1")])
    """
    if not known_perturbations(spec) or spec.genes is None:
        return
    untrained = [str(one) for one in perturbations if own_perturbation(spec, one) is None]
    if untrained:
        logger.warning(
            "the model %r was not trained on %d of %d perturbations (%s): it extrapolates",
            *(spec.name, len(untrained), len(perturbations), preview(untrained)),
        )


def own_perturbation(spec: ModelSpec, perturbation: Perturbation) -> Perturbation | None:
    """The model's form of this perturbation, ``None`` if it was not trained on it."""
    same = [one for one in known_perturbations(spec) if one.covers(perturbation) or perturbation.covers(one)]
    if perturbation in same:
        return perturbation
    if len(same) > 1:
        raise ValueError(
            f"{str(perturbation)!r} matches several perturbations of the model {spec.name!r}: choose "
            f"{', '.join(map(str, same))}"
        )
    return same[0] if same else None


def known_perturbations(spec: ModelSpec) -> list[Perturbation]:
    """All perturbations that the model knows; none for a model that takes any."""
    listed = [
        fields for task in (Response, GeneChangeResponse) for fields in spec.known(task.name, "perturbations", ())
    ]
    return list(dict.fromkeys(Perturbation(**fields) for fields in listed))


def perturbation_options(spec: ModelSpec, perturbation: Perturbation) -> list[Perturbation]:
    """Perturbations that the dual task chooses from: all that the model knows, else the perturbation and control.

    Examples
    --------
    >>> import sc_duality as sd
    >>> from sc_duality.examples import perturbation_options
    >>> from sc_duality.tasks import Perturbation
    >>> stat1 = Perturbation("knockdown", "STAT1")
    >>> stat1 in perturbation_options(sd.models.resolve("embedded"), stat1)
    True
    """
    known = known_perturbations(spec)
    if not known:
        return [perturbation] if perturbation.is_control else [perturbation, Perturbation("control")]
    own = known_perturbation(spec, perturbation)
    return [perturbation if one == own else one for one in known] + ([] if own in known else [perturbation])


def to_json(perturbations: Sequence[Perturbation]) -> str:
    """Perturbations as text that a file can hold.

    Examples
    --------
    >>> from sc_duality.examples import to_json
    >>> from sc_duality.tasks import Perturbation
    >>> to_json([Perturbation("control")])
    '[{"operation": "control", "target": "", "dose": "", "time": ""}]'
    """
    return json.dumps([asdict(one) for one in perturbations])


def from_json(text: str) -> dict[str, Perturbation]:
    """Perturbations of that text, by their names."""
    return {str(one): one for one in (Perturbation(**fields) for fields in json.loads(text))}
