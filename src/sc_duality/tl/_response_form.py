"""Whether a response is predicted as a whole cell or as gene changes."""

from __future__ import annotations

from .._validation import choice
from ..models import ModelSpec
from ..tasks import GeneChangeResponse, Response
from ._gene_change_query import GeneChangeQuery
from ._model import check_task
from ._response_query import ResponseQuery
from ._whole_cell_query import WholeCellQuery

_FORMS: dict[str, tuple[str, type[ResponseQuery]]] = {
    "changes": (GeneChangeResponse.name, GeneChangeQuery),
    "cell": (Response.name, WholeCellQuery),
}


def query_class(spec: ModelSpec, form: str | None) -> type[ResponseQuery]:
    """How this model predicts responses: by ``form``, else by gene changes if it was trained for them, else whole."""
    choice("form", form, (None, *_FORMS))
    if form is None:
        form = "changes" if GeneChangeResponse.name in (spec.tasks or ()) else "cell"
    task, found = _FORMS[form]
    check_task(spec, task)
    return found
