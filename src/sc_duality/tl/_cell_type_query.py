"""Query a model about cell types: each cell, each cluster, or all groups of a batch together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from ..cells import adata_keys, text_column
from ..examples import ClusterExamples, LabelExamples, ModelCells, build
from ..models import LanguageModel, ModelSpec, ReferenceClassifier, Sampling
from ..tasks import Annotation, ClusterAnnotation
from ._cluster_labels import check_clusters, predict_clusters, reads_clusters
from ._joint_labels import check_joint_model, check_unit_names, names_freely, predict_jointly, unit_examples
from ._label_arguments import Method, check_model_options
from ._label_predictions import LabelPredictions, pool_by_group
from ._model import reference_classifier
from ._predict_labels import predict_labels
from ._text_answers import AnswerTable
from ._unique_labels import assign_units, group_table
from ._units import Units


class CellTypeLabels(NamedTuple):
    """The predictions of all cells."""

    predictions: LabelPredictions
    #: Labels as they are written into ``obs``, each with the model's own name for it.
    names: Mapping[str, str]
    #: Tables for ``uns[key]``.
    tables: dict[str, pd.DataFrame]
    #: Labels without the constraint that they are unique.
    independent: LabelPredictions | None = None


@dataclass(frozen=True)
class CellTypeQuery:
    """What gets a label, and how a model is queried about it."""

    method: Method
    groupby: str | None
    #: What gets a label that no other gets; ``None`` where labels need not be unique.
    units: Units | None
    sampling: Sampling
    seed: int

    @property
    def is_joint(self) -> bool:
        """Whether a prompt is about several groups or cells."""
        return self.units is not None and self.method == "generate"

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that the model must know, apart from joint annotation, which has an error of its own."""
        return () if self.is_joint else (Annotation.name,)

    def examples(self, labels: Any, cells: ModelCells) -> LabelExamples | ClusterExamples:
        """The examples of the cells or clusters, or an error if the model cannot be queried about them."""
        if self.units is not None and self.is_joint:
            check_joint_model(cells.spec)
            check_unit_names(self.units)
        if self.groupby is not None and (self.is_joint or reads_clusters(cells.spec)):
            clusters: ClusterExamples = build(ClusterAnnotation(groupby=self.groupby, labels=labels), cells)
            check_clusters(clusters, self.method)
            return clusters
        examples: LabelExamples = build(Annotation(labels=labels), cells)
        if not self.is_joint:
            check_model_options(examples, self.method, self.sampling)
        return examples

    def names(self, examples: LabelExamples | ClusterExamples, spec: ModelSpec) -> Mapping[str, str]:
        """Labels to choose from, each with the model's own name for it; none where types are named freely."""
        return {} if self.is_joint and names_freely(spec, examples.task.labels) else examples.labels

    def classifier(self, examples: LabelExamples | ClusterExamples) -> ReferenceClassifier | None:
        """The model's reference classifier, if it has one and each cell is scored."""
        scores_cells = self.method == "score" and not isinstance(examples, ClusterExamples)
        return reference_classifier(examples.cells) if scores_cells else None

    def predict(
        self,
        model: LanguageModel,
        examples: LabelExamples | ClusterExamples,
        names: Mapping[str, str],
        classifier: ReferenceClassifier | None,
        threshold: float,
        answers: AnswerTable,
    ) -> CellTypeLabels:
        """The label of every cell; a table of groups names those below ``threshold`` unknown."""
        how = self.method, self.sampling, self.seed
        if self.units is not None and self.is_joint:
            shown = unit_examples(examples, self.units)
            joint, voted = predict_jointly(
                model, shown, examples.cells, names, self.units, self.sampling, self.seed, answers
            )
            return self._unique(self.units, joint, names or {name: name for name in voted}, threshold)
        if isinstance(examples, ClusterExamples):
            clusters = predict_clusters(model, examples, *how, answers)
            names = names or {name: name for name in clusters.names}
            markers = [" ".join(examples.markers.get(name, ())) for name in examples.groups]
            predictions = clusters.of_cells(examples.groups, len(examples.cells))
            table = clusters.table(examples.groups, threshold, markers=markers)
            found = CellTypeLabels(predictions, names, {adata_keys.GROUPS: table})
        else:
            vote = self.groupby is not None
            predictions = predict_labels(model, examples, *how, classifier, answers=answers, vote=vote)
            found = CellTypeLabels(predictions, names, {})
        if self.units is not None:
            joint, alone = assign_units(predictions, self.units, list(names))
            independent = alone.of_cells(self.units.of_cell)
            return self._unique(self.units, joint, names, threshold)._replace(independent=independent)
        if self.groupby is None or isinstance(examples, ClusterExamples):
            return found
        groups = text_column(examples.cells.adata, self.groupby)
        return found._replace(predictions=pool_by_group(predictions, groups, len(names)))

    def _unique(
        self, units: Units, predictions: LabelPredictions, names: Mapping[str, str], threshold: float
    ) -> CellTypeLabels:
        """Labels of units as those of their cells, with a table of groups."""
        tables = {adata_keys.GROUPS: group_table(units, predictions, list(names), threshold)} if self.groupby else {}
        return CellTypeLabels(predictions.of_cells(units.of_cell), names, tables)
