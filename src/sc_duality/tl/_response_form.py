"""Whether a response is predicted as a whole cell or as gene changes."""

from __future__ import annotations

from pathlib import Path

from .._validation import choice
from ..models import LanguageModel, ModelSpec
from ..tasks import GeneChangeResponse, Response
from ._gene_change_query import GeneChangeQuery
from ._model import check_task, packaged_model, resolve_model
from ._response_query import ResponseQuery
from ._whole_cell_query import WholeCellQuery

_FORMS: dict[str, tuple[str, type[ResponseQuery]]] = {
    "changes": (GeneChangeResponse.name, GeneChangeQuery),
    "cell": (Response.name, WholeCellQuery),
}


def response_model(
    model: str | Path | LanguageModel | None, form: str | None
) -> tuple[str | Path | LanguageModel, ModelSpec, type[ResponseQuery]]:
    """The model, its specification, and how it predicts responses: by ``form``, else by gene changes if it can.

    By default a model inside the package that was trained for this form.
    """
    choice("form", form, (None, *_FORMS))
    task, _ = _FORMS[form or "changes"]
    chosen, spec = resolve_model(packaged_model(task) if model is None else model)
    if form is None:
        form = "changes" if GeneChangeResponse.name in (spec.tasks or ()) else "cell"
    task, query_class = _FORMS[form]
    check_task(spec, task)
    return chosen, spec, query_class
