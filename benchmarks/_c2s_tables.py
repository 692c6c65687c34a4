"""The row of a task: a trained model, its untrained start and baselines by the metric of the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import anndata as ad
import numpy as np

from benchmarks._c2s_baselines import OF_GENES, OF_LABELS, Baseline, nearest
from benchmarks._c2s_examples import examples
from benchmarks._c2s_gene_sets import OF_NAMES, OF_SETS
from benchmarks._c2s_scores import Examples, answers, continued, exact, frequency_nats, jaccard, nats, overlap
from benchmarks._c2s_texts import ENCODER, bert_f1, bert_floor, random_text
from sc_duality.models import LanguageModel


class Measure(NamedTuple):
    """How the answers of a task are scored."""

    metric: str
    score: Callable[[Examples, Any], float]
    baselines: Mapping[str, Baseline]
    #: Whether answers are cells, whose likelihood is measured too.
    cells: bool = False
    #: Whether nothing is known of the cells, so that the first half of them is what a model can read.
    continued: bool = False
    #: Whether answers are sets of labels, and whether they are texts.
    sets: bool = False
    texts: bool = False


_EXACT, _OVERLAP = "exact accuracy", "overlap %"
_ANY = {name: OF_GENES[name] for name in ("gene frequency",)}
#: Table 1 of C2S-Scale. The paper scores labels by BERTScore, as those of its data sets differ in words, and by exact
#: accuracy where they do not, as here; it gives no prompt in language modelling, where no answer overlaps more with
#: cells than the most frequent genes.
MEASURES = {
    "cell_language_modelling": Measure(_OVERLAP, overlap, _ANY, cells=True, continued=True),
    "annotation": Measure(_EXACT, exact, OF_LABELS),
    "generation": Measure(_OVERLAP, overlap, OF_GENES, cells=True),
    "sample_language_modelling": Measure(_OVERLAP, overlap, _ANY, cells=True, continued=True),
    "tissue": Measure(_EXACT, exact, OF_LABELS),
    "sample_cell_types": Measure(_EXACT, exact, OF_LABELS, sets=True),
    "sample_by_tissue": Measure(_OVERLAP, overlap, OF_GENES, cells=True),
    "sample_by_cell_types": Measure(_OVERLAP, overlap, OF_GENES, cells=True),
    "sample_by_abstract": Measure(_OVERLAP, overlap, _ANY),
    "interpretation": Measure(
        f"BERTScore F1 ({ENCODER})",
        bert_f1,
        {"random training text": random_text, "nearest training sample": nearest},
        texts=True,
    ),
    "gene_set_enumeration": Measure(_OVERLAP, overlap, OF_SETS),
    "gene_set_naming": Measure(_EXACT, exact, OF_NAMES),
}


class Data(NamedTuple):
    """What training and test examples of a task are made from, each with the settings of the task."""

    train: ad.AnnData
    test: ad.AnnData
    train_settings: dict[str, Any]
    test_settings: dict[str, Any]
    #: Training examples that baselines read, and test examples.
    n_train: int
    n_test: int


def row(name: str, data: Data, models: Sequence[LanguageModel], seed: int) -> dict[str, Any]:
    """The scores of one task; ``models`` are the trained one and its start."""
    measure = MEASURES[name]
    trained, untrained = models
    training = examples(name, data.train_settings, data.train, trained.spec, data.n_train, seed + 1)
    test = examples(name, data.test_settings, data.test, trained.spec, data.n_test, seed)
    predicted = answers(trained, test)
    constant = {one: baseline(training, test, seed) for one, baseline in measure.baselines.items()}
    baselines = {one: measure.score(test, found) for one, found in constant.items()}
    first = next(iter(baselines))
    found: dict[str, Any] = {
        "metric": measure.metric,
        "value": measure.score(test, predicted),
        "untrained": measure.score(test, answers(untrained, test)),
        "baseline": baselines[first],
        "baseline_name": first,
        "other_baselines": {one: value for one, value in baselines.items() if one != first},
        "n": len(test),
        "not_read": sum(one is None for one in predicted),
    }
    if measure.sets:
        all_sets = {"value": predicted, **constant}
        found["jaccard"] = {one: jaccard(test, answer) for one, answer in all_sets.items()}
    if measure.texts:
        found["floor"] = bert_floor(test)
        found["texts"] = [
            {"true": one.example.truth, "model": text} for one, text in zip(test[:5], predicted, strict=False)
        ]
    if measure.cells:
        found["nats_per_gene"] = {
            "value": nats(trained, test), "untrained": nats(untrained, test), first: frequency_nats(training, test),
        }  # fmt: skip
    if measure.continued:
        found["second_half"] = dict(zip(("value", first), continued(trained, training, test), strict=True))
    return rounded(found)


def rounded(found: Any) -> Any:
    """Numbers with four digits after the point."""
    if isinstance(found, Mapping):
        return {name: rounded(value) for name, value in found.items()}
    return round(float(found), 4) if isinstance(found, float | np.floating) else found


def mean_of_seeds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row from those of several seeds: means of numbers, and ``each`` value of the model."""
    if len(rows) == 1:
        return rows[0]
    found = {name: _mean([one[name] for one in rows]) for name in rows[0]}
    return {**found, "n": rows[0]["n"], "each": [one["value"] for one in rows]}


def _mean(values: list[Any]) -> Any:
    if isinstance(values[0], list):
        return values[0]
    if isinstance(values[0], Mapping):
        return {name: _mean([one[name] for one in values]) for name in values[0]}
    return values[0] if isinstance(values[0], str) else round(float(np.mean(values)), 4)
