"""The command line, thin over the tools: ``python -m sc_duality``, or ``accelerate launch -m sc_duality`` to train."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import sc_duality as sd

from ._command_config import read_cells, tool_arguments
from ._replacement import check_writable, replacement

#: Commands that read a configuration file: the tool behind each, and what it does.
_TOOLS = {
    "train-sft": ("train_sft", "train a model on tasks and their duals with labelled cells"),
    "distill": ("distill", "sample a teacher's answers with their reasoning, and keep those that match the truth"),
    "train-grpo": ("train_grpo_duality", "train a model with GRPO on unlabelled cells, rewarded by duality"),
}
#: Exit codes: bad input, and SIGINT as shells report it.
_BAD_INPUT, _INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and print the path of its result.

    Returns
    -------
    0 if it succeeded, 2 if the input cannot be used, 130 if it was interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
    except KeyboardInterrupt:
        if options.traceback:
            raise
        _write_error("interrupted: run the same command again to resume")
        return _INTERRUPTED
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        if options.traceback:
            raise
        _write_error(f"error: {_one_line(error)}")
        return _BAD_INPUT
    if os.environ.get("RANK", "0") == "0":
        sys.stdout.write(f"{result}\n")
    return 0


def run() -> None:
    """Run the command line as a program; of several processes only the first one logs."""
    if os.environ.get("RANK", "0") != "0":
        logging.disable()
        sd.settings.progress = False
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    program = "sc-duality" if Path(sys.argv[0]).name == "sc-duality" else "python -m sc_duality"
    parser = argparse.ArgumentParser(prog=program, description=sd.__doc__)
    parser.add_argument("--version", action="version", version=f"sc_duality {sd.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="command")

    annotate = commands.add_parser("annotate", help="predict the cell type of every cell in a file")
    annotate.add_argument("source", type=Path, metavar="in", help="cells, .h5ad or .zarr; never changed")
    annotate.add_argument("out", type=Path, help="file for the annotated cells, .h5ad or .zarr")
    annotate.add_argument("--model", help="name or folder of a model (default: the embedded model)")
    annotate.add_argument(
        "--labels", nargs="+", help="labels to choose from, or one obs column or label set (default: all labels)"
    )
    annotate.add_argument("--groupby", help="obs column of clusters that get one label each")
    annotate.add_argument("--layer", help="layer to read (default: X; .raw or a layer where X was scaled)")
    annotate.add_argument("--use-raw", action="store_true", default=None, help="read .raw")
    annotate.add_argument("--key-added", default="annotation", help="name of the result (default: %(default)s)")
    annotate.add_argument("--overwrite", action="store_true", help="replace an existing output")
    annotate.set_defaults(run=_annotate)

    for command, (tool, text) in _TOOLS.items():
        one = commands.add_parser(command, help=text, description=f"{text}: see sc_duality.tl.{tool}")
        one.add_argument("config", type=Path, help=f"YAML file with the parameters of sc_duality.tl.{tool}")
        one.set_defaults(run=_run_tool, tool=tool)
    return parser


def _annotate(options: argparse.Namespace) -> Path:
    source: Path = options.source
    out: Path = options.out
    if out.exists():
        if out.samefile(source):
            raise ValueError(f"{out} is the input, which is never changed: name another output")
        if not options.overwrite:
            raise FileExistsError(f"{out} exists: name another output, or pass --overwrite")
    if out.suffix not in (".h5ad", ".zarr") or not out.parent.is_dir():
        raise ValueError(f"{out} must end with .h5ad or .zarr and lie in an existing folder")
    check_writable(out)
    adata = read_cells(source)
    labels = options.labels[0] if options.labels and len(options.labels) == 1 else options.labels
    sd.tl.annotate(
        adata,
        options.model,
        labels=labels,
        groupby=options.groupby,
        layer=options.layer,
        use_raw=options.use_raw,
        key_added=options.key_added,
    )
    with replacement(out) as new:
        adata.write_h5ad(new) if out.suffix == ".h5ad" else adata.write_zarr(new)
    return out


def _run_tool(options: argparse.Namespace) -> Path:
    tool = getattr(sd.tl, options.tool)
    result: Path = tool(**tool_arguments(options.config, tool))[0]
    return result


def _write_error(text: str) -> None:
    """Write to stderr, once a machine: a file may be missing on one machine of several."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        sys.stderr.write(f"{text}\n")


def _one_line(error: Exception) -> str:
    """The message of an error with its notes, in one line."""
    message = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(" ".join([str(message), *getattr(error, "__notes__", [])]).split()) or type(error).__name__


if __name__ == "__main__":
    run()
