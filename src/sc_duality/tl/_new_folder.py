"""The folder of a new model."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

#: Folders of models without ``output_dir``, which are deleted when Python ends.
_temporary: list[TemporaryDirectory[str]] = []


def check_new(output_dir: str | Path | None) -> None:
    """Refuse a folder that holds something."""
    if output_dir is not None and Path(output_dir).exists() and any(Path(output_dir).iterdir()):
        raise FileExistsError(f"output_dir={str(output_dir)!r} is not empty: pass another folder")


def make_new(output_dir: str | Path | None, name: str) -> Path:
    """The folder, made; by default a temporary one of this name."""
    if output_dir is None:
        _temporary.append(TemporaryDirectory(prefix="sc_duality-"))
        output_dir = Path(_temporary[-1].name) / name
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    return Path(output_dir)
