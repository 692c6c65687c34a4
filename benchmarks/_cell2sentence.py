"""The functions of cell2sentence on sentences, without its dependencies.

cell2sentence pins a large environment: ``pip install --no-deps cell2sentence``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def cell2sentence() -> ModuleType | None:
    """Its module ``utils``, or ``None`` where it is not installed.

    The module imports packages that these functions do not use; empty modules replace those that are missing.
    """
    found = importlib.util.find_spec("cell2sentence")
    if found is None or not found.submodule_search_locations:
        print("cell2sentence is not installed and is left out: pip install --no-deps cell2sentence", file=sys.stderr)
        return None
    unused = {"plotnine": (), "datasets": ("Dataset", "DatasetDict")}
    for name, attributes in unused.items():
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = ModuleType(name)
            vars(sys.modules[name]).update(dict.fromkeys(attributes))
    spec = importlib.util.spec_from_file_location("peer", Path(found.submodule_search_locations[0]) / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
