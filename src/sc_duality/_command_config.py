"""Configuration files of the command line: from YAML to the arguments of a tool."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import sc_duality as sd

from ._store_format import check_format

#: Parameters that are files of cells, that are paths, and that are a path or a name.
_CELLS, _PATHS = {"adatas", "eval_adatas"}, {"output_dir", "path", "traces"}
_PATHS_OR_NAMES = {"model", "teacher", "prompt_formats"}
#: Mappings that become an object, such as ``sd.Duality(**mapping)``.
_CLASSES = {"duality": "Duality", "sampling": "Sampling"}


def tool_arguments(config: Path, tool: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of ``tool`` in a YAML file; relative paths start from the folder of the file.

    The ``**options`` of a tool stand next to its other parameters or under ``options``.

    Raises
    ------
    ValueError, TypeError
        A key is not a parameter, a parameter is missing, or a value cannot be used.
    FileNotFoundError
        The file itself or a file of cells is missing.
    """
    values = _read_yaml(config)
    options = values.pop("options", None) or {}
    if not isinstance(options, dict):
        raise TypeError(f"{config}: options must be a mapping of names to values, got {options!r}")
    values = {**options, **values}
    _check_names(config, values, tool)
    here = config.absolute().parent
    for name in values.keys() & (_CELLS | _PATHS | _PATHS_OR_NAMES):
        several = values[name] if isinstance(values[name], list) else [values[name]]
        found = [None if value is None else _resolve(here, name, value) for value in several]
        values[name] = found if isinstance(values[name], list) else found[0]
    for name in values.keys() & _CLASSES.keys():
        values[name] = _object(config, name, values[name])
    return values


def read_cells(path: Path) -> Any:
    """Read an AnnData from ``.h5ad`` or ``.zarr``; an error names the file."""
    import anndata

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.suffix not in (".h5ad", ".zarr"):
        raise ValueError(f"{path} must end with .h5ad or .zarr")
    check_format(path)
    try:
        return anndata.read_zarr(path) if path.is_dir() else anndata.read_h5ad(path)
    except OSError as error:
        error.add_note(f"({path})")
        raise


def _read_yaml(config: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads 1e-5 as a number, which YAML 1.1 takes for text."""

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )
    try:
        values = yaml.load(config.read_text(encoding="utf-8"), Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{config} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{config} must hold parameters, one a line, such as 'model: embedded'")
    return values


def _check_names(config: Path, values: dict[str, Any], tool: Callable[..., Any]) -> None:
    """Refuse unknown and missing parameters; a tool with ``**options`` checks its own options."""
    parameters = inspect.signature(tool).parameters
    takes_options = any(one.kind == one.VAR_KEYWORD for one in parameters.values())
    names = [name for name, one in parameters.items() if one.kind != one.VAR_KEYWORD]
    required = [name for name in names if parameters[name].default is inspect.Parameter.empty]
    missing = [name for name in required if values.get(name) is None]
    if missing:
        raise ValueError(f"{config} lacks {', '.join(missing)}, which {tool.__name__} needs")
    for name in [name for name in values if name not in names]:
        near = get_close_matches(str(name), names, 1, cutoff=0.8 if takes_options else 0.0)
        if near or not isinstance(name, str):
            raise ValueError(
                f"{config}: {name!r} is not a parameter of {tool.__name__}; the nearest is {(near or required)[0]!r}"
            )


def _resolve(here: Path, name: str, value: object) -> Any:
    """The cells or the path that a value names."""
    path = here / Path(str(value)).expanduser()
    if name in _CELLS:
        return read_cells(path)
    return path if name in _PATHS or path.exists() else value


def _object(config: Path, name: str, value: Any) -> Any:
    """``sd.Duality`` or ``sd.Sampling`` from a mapping."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError(f"{config}: {name} must be a mapping of names to values, got {value!r}")
    made = getattr(sd, _CLASSES[name])
    unknown = sorted(str(key) for key in value.keys() - set(inspect.signature(made).parameters))
    if unknown:
        near = get_close_matches(unknown[0], inspect.signature(made).parameters, 1, cutoff=0.0)[0]
        raise ValueError(f"{config}: {name} has no setting {unknown[0]!r}; the nearest is {near!r}")
    return made(**value)
