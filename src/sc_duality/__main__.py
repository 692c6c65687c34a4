"""The command line, thin over the tools: ``python -m sc_duality``, or ``accelerate launch -m sc_duality`` to train."""

from __future__ import annotations

import argparse
import inspect
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sc_duality as sd

#: Commands that read a file of settings, the tools behind them, and what these do.
_TOOLS = {
    "train-sft": ("train_sft", "teach a model tasks and their duals with labelled cells"),
    "distill": ("distill", "keep the right ones of a teacher's answers, to learn from"),
    "train-grpo": ("train_grpo_duality", "align a model by how well its answers explain cells"),
}
#: Settings that are read as cells, that are folders or files of the user, and that may be either a name or a folder.
_CELLS, _PATHS, _MODELS = {"adatas", "labelled"}, {"out", "traces"}, {"model", "teacher"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and print where its result lies; 0 if it went well, 2 if something has to be mended."""
    asked = _parser().parse_args(arguments)
    try:
        found = asked.run(asked)
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        if asked.traceback:
            raise
        if os.environ.get("LOCAL_RANK", "0") == "0":  # a file may be missing on one machine of several
            sys.stderr.write(f"error: {_line(error)}\n")
        return 2
    if os.environ.get("RANK", "0") == "0":
        sys.stdout.write(f"{found}\n")
    return 0


def _speak_once() -> None:
    """Of several processes, the first one alone tells how it goes."""
    if os.environ.get("RANK", "0") == "0":
        logging.basicConfig(format="%(message)s")
        logging.getLogger("sc_duality").setLevel(logging.INFO)
    else:
        logging.disable()
        sd.settings.progress = False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sc_duality", description=sd.__doc__)
    parser.add_argument("--version", action="version", version=f"sc_duality {sd.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an error came up")
    commands = parser.add_subparsers(required=True, metavar="command")

    one = commands.add_parser("annotate", help="name the type of every cell in a file")
    one.add_argument("source", type=Path, metavar="in", help="cells, .h5ad or .zarr; never changed")
    one.add_argument("out", type=Path, help="the same with answers, .h5ad or .zarr")
    one.add_argument("--model", help="name or folder of a model (the one in this package)")
    one.add_argument("--labels", nargs="+", help="types to choose from, or one obs column or label set (all types)")
    one.add_argument("--groupby", help="obs column of clusters that get one label each")
    one.add_argument("--key-added", default="annotation", help="name of what is written (%(default)s)")
    one.add_argument("--overwrite", action="store_true", help="replace the output if it is there")
    one.set_defaults(run=_annotate)

    for command, (tool, text) in _TOOLS.items():
        one = commands.add_parser(command, help=text, description=f"{text}: see sc_duality.tl.{tool}")
        one.add_argument("config", type=Path, help=f"YAML whose keys are the parameters of sc_duality.tl.{tool}")
        one.set_defaults(run=_use, tool=tool)
    return parser


def _annotate(asked: argparse.Namespace) -> Path:
    source, out = asked.source, asked.out
    if out.exists():
        if out.samefile(source):
            raise ValueError(f"{out} is the input, which is never changed: name another output")
        if not asked.overwrite:
            raise FileExistsError(f"{out} is there: name another output, or pass --overwrite")
    if out.suffix not in (".h5ad", ".zarr") or not out.parent.is_dir():
        raise ValueError(f"{out} must end with .h5ad or .zarr and lie in a folder that is there")
    adata = _read(source)
    labels = asked.labels[0] if asked.labels and len(asked.labels) == 1 else asked.labels
    sd.tl.annotate(adata, asked.model, labels=labels, groupby=asked.groupby, key_added=asked.key_added)
    with TemporaryDirectory(dir=out.parent, prefix=f"{out.name}-unfinished-") as folder:
        new = Path(folder) / out.name
        adata.write_h5ad(new) if out.suffix == ".h5ad" else adata.write_zarr(new)
        if out.is_dir():
            shutil.rmtree(out)
        new.replace(out)
    return out


def _use(asked: argparse.Namespace) -> Path:
    tool = getattr(sd.tl, asked.tool)
    return tool(**_settings(asked.config, tool))[0]


def _settings(config: Path, tool: Callable[..., Any]) -> dict[str, Any]:
    """Arguments for ``tool``; those of its ``**options`` stand under ``options``. Paths start from the file."""
    given = _mapping(config)
    parameters = inspect.signature(tool).parameters
    for key in given:
        if key not in parameters:
            near = get_close_matches(str(key), parameters, 1, cutoff=0)[0]
            more = "; settings of TRL stand under 'options'" if "options" in parameters else ""
            raise ValueError(f"{config}: {key!r} is no parameter of {tool.__name__}, the nearest is {near!r}{more}")
    missing = [name for name, one in parameters.items() if one.default is one.empty and one.kind != one.VAR_KEYWORD]
    missing = [name for name in missing if given.get(name) is None]
    if missing:
        raise ValueError(f"{config} does not say {', '.join(missing)}, which {tool.__name__} needs")
    options = given.pop("options", None) or {}
    if not isinstance(options, dict):
        raise TypeError(f"{config}: options must be a mapping of names to values, got {options!r}")
    here = config.absolute().parent
    for key in [key for key in given if key in _CELLS | _PATHS and given[key] is not None]:
        several = given[key] if isinstance(given[key], list) else [given[key]]
        paths = [here / Path(str(one)).expanduser() for one in several]
        found = [_read(path) for path in paths] if key in _CELLS else paths
        given[key] = found if isinstance(given[key], list) else found[0]
    for key in given.keys() & _MODELS:
        folder = here / Path(str(given[key])).expanduser()
        given[key] = folder if folder.exists() else given[key]
    return options | given


def _mapping(config: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads 1e-5 as a number, which YAML 1.1 takes for text."""

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )
    try:
        found = yaml.load(config.read_text(encoding="utf-8"), Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{config} is no YAML: {error}") from None
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{config} must hold settings, one a line, such as 'model: embedded'")
    return found


def _read(path: Path) -> Any:
    import anndata

    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    if path.suffix not in (".h5ad", ".zarr"):
        raise ValueError(f"{path} must end with .h5ad or .zarr")
    try:
        return anndata.read_h5ad(path) if path.suffix == ".h5ad" else anndata.read_zarr(path)
    except OSError as error:
        error.add_note(f"({path})")
        raise


def _line(error: Exception) -> str:
    """What an error says, with its notes, in one line."""
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(" ".join([str(said), *getattr(error, "__notes__", [])]).split()) or type(error).__name__


if __name__ == "__main__":
    _speak_once()
    sys.exit(main())
