"""Interactions in a mixture with a task on cells."""

import json
from pathlib import Path

import numpy as np
import pytest

import sc_duality as sd
from sc_duality.tasks import GeneInteraction, InteractionExample


def test_a_mixture_is_trained_and_evaluated_on_pairs_that_were_held_out(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    adata = sd.datasets.pbmc3k()[::8].copy()
    genes = adata.var_names[:24].tolist()
    pairs = [(genes[i], genes[12 + (i + shift) % 12]) for i in range(12) for shift in (0, 1, 2)]
    start = sd.models.new_gene_model(tmp_path / "start", adata.var_names, n_genes=6, width=64, layers=1)
    tasks = {
        "cell_language_modelling": {},
        "gene_interaction": {"interactions": pairs},
        "interaction_partners": {"interactions": pairs},
    }
    trained = sd.tl.train_sft(
        adata, start, tmp_path / "model", tasks=tasks, held_out=0.3, num_train_epochs=2, batch_size=16,
        learning_rate=1e-3, contrast=1.0,
    )  # fmt: skip
    assert trained.history["loss"].iloc[-1] < trained.history["loss"].iloc[0]
    found = json.loads((Path(trained.model) / "training.json").read_text())["accuracy"]
    assert 0 < found["gene_interaction"]["n"] < 72
    assert found["gene_interaction"]["n"] % 2 == 0
    assert found["gene_interaction"]["chance"] == 0.5
    assert 0 <= found["interaction_partners"]["dual"] <= 1

    model = sd.models.load(trained.model)
    assert set(tasks) <= set(model.spec.tasks)
    task = GeneInteraction().for_model(model.spec.prompt_format, model.spec.genes)
    questions = [task.question(InteractionExample(gene=one, other=other)) for one, other in pairs]
    scores = model.score([question.prompt for question in questions], questions[0].completions())
    assert scores.shape == (36, 2)
    assert np.isfinite(scores).all()
