"""The calls of the package that code in pages and notebooks makes."""

from __future__ import annotations

import ast
import inspect
from functools import reduce

import sc_duality as sd


def check_calls(code: str) -> int:
    """Every ``sd.`` name of the code exists, and takes the arguments of its calls; the number of calls."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := _public_name(node)):
            reduce(getattr, name, sd)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _public_name(node.func)]
    for call in calls:
        keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        positional = [None for argument in call.args if not isinstance(argument, ast.Starred)]
        inspect.signature(reduce(getattr, _public_name(call.func), sd)).bind_partial(*positional, **keywords)
    return len(calls)


def _public_name(node: ast.expr) -> list[str]:
    """``["tl", "annotate"]`` for ``sd.tl.annotate``; empty for other expressions."""
    parts = ast.unparse(node).split(".")
    return parts[1:] if parts[0] == "sd" and all(part.isidentifier() for part in parts) else []
