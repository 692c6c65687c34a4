"""Download of public files into a cache, with a check of their hashes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from .._settings import cache_folder, settings

logger = logging.getLogger(__name__)

#: Number of retries after an error.
_RETRIES = 3
#: First bytes of each file type. Some servers send a web page with status 200 instead of the file.
_MAGIC = {".h5ad": b"\x89HDF", ".gz": b"\x1f\x8b", ".parquet": b"PAR1", ".xlsx": b"PK", ".zip": b"PK"}
#: How a web page begins, in lower case.
_WEB_PAGE = (b"<!doctype", b"<html")
#: File in the cache with the hashes of first downloads.
_HASHES = "hashes.json"


@dataclass(frozen=True)
class File:
    """A public file.

    Parameters
    ----------
    name
        File name in the cache, with its folder there if it has one: ``"cellphonedb/gene_input.csv"``.
    urls
        Addresses, tried in this order.
    hash
        ``algorithm:digest``, if published or checked. Otherwise the SHA-256 of the first download is stored, and later
        downloads must match it.
    """

    name: str
    urls: Sequence[str]
    hash: str | None = None


def fetch(file: File) -> Path:
    """Download ``file``, unless it is in ``sd.settings.cache_dir`` already.

    Returns
    -------
    Its path.

    Raises
    ------
    OSError
        No address works; the message says where to put the file by hand.
    ValueError
        The file in the cache has another hash than expected.
    """
    folder = cache_folder("datasets")
    path = folder / file.name
    known = file.hash or _stored_hashes(folder).get(file.name)
    if not path.is_file():
        _download(file, folder, known)
    elif known is not None and not _matches(path, known):
        message = f"{path} does not have the hash {known}: delete it to download it again from {file.urls[0]}"
        if not file.hash:
            message += f"; if this file is right, delete the hash of an earlier one in {folder / _HASHES}"
        raise ValueError(message)
    if known is None:
        _store_hash(folder, file.name)
    return path


def _download(file: File, folder: Path, known: str | None) -> None:
    import pooch

    path = folder / file.name
    _make_folder(path.parent)
    errors = []
    for url in file.urls:
        registry = pooch.create(
            folder, "", registry={file.name: known}, urls={file.name: url}, retry_if_failed=_RETRIES
        )
        try:
            registry.fetch(file.name, progressbar=settings.progress)
            _check_type(path)
        except (OSError, ValueError) as error:
            errors.append(f"{url}: {error}")
        else:
            return
    reasons = "\n".join(errors)
    stored = f"\nThe hash of an earlier download is in {folder / _HASHES}" if known and not file.hash else ""
    raise OSError(
        f"cannot download {file.name}:\n{reasons}{stored}\nIf this machine is offline, download the file elsewhere and "
        f"put it at {path}"
    )


def _make_folder(folder: Path) -> None:
    """Make the folder of the cache, and check that a file can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"downloads cannot be written into {folder} ({error}): set SC_DUALITY_CACHE_DIR or sd.settings.cache_dir "
            "to a folder that can be written"
        ) from error


def _check_type(path: Path) -> None:
    """Delete the file and raise an error if it is a web page, or its first bytes do not match its extension."""
    with path.open("rb") as handle:
        first = handle.read(100)
    is_web_page = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE)
    if is_web_page or not first.startswith(_MAGIC.get(path.suffix, b"")):
        path.unlink()
        raise ValueError(f"the download is not a {path.suffix} file: it begins with {first[:15]!r}")


def _matches(path: Path, known: str) -> bool:
    import pooch

    algorithm, _, digest = known.rpartition(":")
    return bool(pooch.file_hash(path, alg=algorithm or "sha256") == digest)


def _stored_hashes(folder: Path) -> dict[str, str]:
    file = folder / _HASHES
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _store_hash(folder: Path, name: str) -> None:
    """Store the SHA-256 of a first download; a file in a folder that cannot be written has none."""
    import pooch

    if not os.access(folder, os.W_OK):
        return
    hashes = _stored_hashes(folder) | {name: f"sha256:{pooch.file_hash(folder / name)}"}
    logger.info("stored the hash of %s: %s", name, hashes[name])
    with NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False, encoding="utf-8") as handle:
        json.dump(hashes, handle, indent=1, sort_keys=True)
    Path(handle.name).replace(folder / _HASHES)
