"""Local stand-in."""

from typing import Any, NamedTuple
import numpy as np
from scipy import sparse
from ..cells import adata_keys, rebuild_expression
from ..examples import ModelCells, perturbation_options
from ..tasks import Response, ResponseExample
from ._generated_cells import encode, expression, generate_cells, output_genes, with_line
from anndata import AnnData


class PredictedCells(NamedTuple):
    X: Any
    control: Any
    status: Any


class ResponseQuery:
    def __init__(
        self,
        data,
        spec,
        *,
        form=None,
        sentence_key=adata_keys.SENTENCE,
        n_genes=None,
        context=(),
        layer=None,
        use_raw=None,
    ):
        self.cells = ModelCells(
            data, spec, sentence_key=sentence_key, n_genes=n_genes, context=context, layer=layer, use_raw=use_raw
        )
        self.spec = spec
        self.out = with_line(output_genes(data, spec, self.cells.sentences), data, self.cells.sentences)
        self.task = Response().for_model(spec.prompt_format, frozenset(self.out.gene_index))

    def predict(self, engine, perturbations, params, n_samples):
        control = self.cells.genes()
        facts = self.cells.context(slice(0, len(self.cells)))
        qs = []
        for p in perturbations:
            opts = tuple(perturbation_options(self.spec, p))
            one = [
                self.task.question(ResponseExample(genes=tuple(s), perturbation=p, options=opts, context=f))
                if s
                else None
                for s, f in zip(control, facts)
            ]
            qs += one * n_samples
        n = len(control)
        found = generate_cells(engine, qs, list(map(len, control)) * (len(perturbations) * n_samples), params)
        var = AnnData(var=self.out.var)
        res = []
        for i in range(len(perturbations)):
            row = []
            for s in range(n_samples):
                a = (i * n_samples + s) * n
                cells = found.cells[a : a + n]
                status = found.status[a : a + n]
                X = expression(cells, var, self.out, self.cells.n_genes)
                ctl = expression([c[: len(x)] for c, x in zip(control, cells)], var, self.out, self.cells.n_genes)
                row.append(PredictedCells(X, ctl, status))
            res.append(row)
        return res
