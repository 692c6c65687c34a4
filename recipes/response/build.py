"""Build the packaged model of responses from real cells: ``python -m recipes.response.build --out FOLDER``.

A small Llama with one token for each gene, trained by ``tl.train_sft`` on the gene changes of three studies and on
their dual, the perturbation that is read back. Its weights are written as bfloat16 into FOLDER/response.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

import sc_duality as sd
from recipes.embedded import real_cells
from recipes.response.training import N_CHANGED, OPTIONS, train
from sc_duality.models import SPEC_FILE

STEPS = 1000
#: Logged with every prediction.
CAUTION = (
    "it has seen interferon-β in blood, panobinostat in glioblastoma, and five knockdowns in embryonic stem cells that "
    "it predicts no better than chance (see its card)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its start")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_flush_denormal(True)  # denormal squared gradients of rare genes slow the optimizer down
    studies = [real_cells.kang_response(), real_cells.glioblastoma(), real_cells.crispri()]
    began = time.perf_counter()
    trained = train(studies, args.out, args.steps, args.seed)
    seconds = time.perf_counter() - began
    final = args.out / "response"
    model = LlamaForCausalLM.from_pretrained(trained, use_safetensors=True, dtype=torch.bfloat16)
    model.config.use_cache = True  # training turns it off
    model.save_pretrained(final)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(trained / name, final / name)
    spec = json.loads((trained / SPEC_FILE).read_text(encoding="utf-8")) | {
        "cautions": {"gene_changes": CAUTION},
        "n_parameters": model.num_parameters(),
        "license": "BSD-3-Clause",
        "note": "gene changes of responses, offline on a CPU",
    }
    record = {
        "steps": args.steps, "seed": args.seed, "n_changed": N_CHANGED, **OPTIONS, "seconds": round(seconds),
        "cells": sum(cells.n_obs for cells in studies), "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("sc-duality", "torch", "transformers", "trl")},
    }  # fmt: skip
    for file, content in ((SPEC_FILE, spec), ("training.json", record)):
        (final / file).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(sd.models.resolve(final), flush=True)


if __name__ == "__main__":
    main()
