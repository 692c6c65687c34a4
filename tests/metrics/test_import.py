"""Importing sc_duality.metrics loads no heavy library: tasks and rewards import it."""

import json
import subprocess
import sys

HEAVY = {"anndata", "matplotlib", "numba", "ot", "pandas", "scanpy", "scipy", "sklearn", "torch"}


def test_import_loads_no_heavy_library():
    code = "import sc_duality.metrics, json, sys; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))
