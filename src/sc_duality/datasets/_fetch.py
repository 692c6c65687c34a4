"""Files from their public homes, fetched once and kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from .._settings import settings

logger = logging.getLogger(__name__)

#: How often a file is asked for again after a fault.
_RETRIES = 3
#: What files begin with. Some hosts answer a program with a web page instead, and call that a success.
_BEGINS = {".h5ad": b"\x89HDF", ".gz": b"\x1f\x8b", ".parquet": b"PAR1", ".xlsx": b"PK"}


@dataclass(frozen=True)
class File:
    """A file at its public home.

    Parameters
    ----------
    name
        What it is called here.
    urls
        Where it is; later ones are asked where earlier ones fail.
    hash
        ``algorithm:digest`` where its home, or somebody who checked it, tells. Otherwise the SHA-256 of the first
        download is kept, so that another file under the same name is noticed.
    """

    name: str
    urls: Sequence[str]
    hash: str | None = None


def fetch(file: File) -> Path:
    """Fetch ``file`` unless it is in ``sd.settings.cache_dir`` already.

    Returns
    -------
    Where it lies.

    Raises
    ------
    OSError
        If no home gives it; says where to put it by hand.
    ValueError
        If the file that lies there is not the one that it should be, or was before.
    """
    folder = settings.cache_dir / "datasets"
    path = folder / file.name
    known = file.hash or _kept_hashes(folder).get(file.name)
    if not path.is_file():
        _download(file, path, known)
    elif known is not None and not _matches(path, known):
        raise ValueError(f"{path} has not the hash {known}: delete it, and it is fetched again from {file.urls[0]}")
    if known is None:
        _keep_hash(path)
    return path


def _download(file: File, path: Path, known: str | None) -> None:
    import pooch

    faults = []
    for url in file.urls:
        registry = pooch.create(
            path.parent, "", registry={file.name: known}, urls={file.name: url}, retry_if_failed=_RETRIES
        )
        try:
            registry.fetch(file.name, progressbar=settings.progress)
            _check_beginning(path)
        except (OSError, ValueError) as fault:
            faults.append(f"{url}: {fault}")
        else:
            return
    reasons = "\n".join(faults)
    raise OSError(
        f"cannot fetch {file.name}:\n{reasons}\nIf this machine is offline, fetch the file elsewhere and put it "
        f"at {path}"
    )


def _check_beginning(path: Path) -> None:
    """Delete and refuse a file that cannot be what its name says."""
    expected = _BEGINS.get(path.suffix, b"")
    with path.open("rb") as handle:
        begins = handle.read(len(expected))
    if begins != expected:
        path.unlink()
        raise ValueError(f"what came is no {path.suffix} file, it begins with {begins!r}")


def _matches(path: Path, known: str) -> bool:
    import pooch

    algorithm, _, digest = known.rpartition(":")
    return bool(pooch.file_hash(path, alg=algorithm or "sha256") == digest)


def _kept_hashes(folder: Path) -> dict[str, str]:
    file = folder / "hashes.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _keep_hash(path: Path) -> None:
    """Remember what a file was when it was first seen."""
    import pooch

    hashes = _kept_hashes(path.parent) | {path.name: f"sha256:{pooch.file_hash(path)}"}
    logger.info("%s has the hash %s, which is kept", path.name, hashes[path.name])
    with NamedTemporaryFile("w", dir=path.parent, suffix=".json", delete=False, encoding="utf-8") as handle:
        json.dump(hashes, handle, indent=1, sort_keys=True)
    Path(handle.name).replace(path.parent / "hashes.json")
