"""Data sets of the papers' tables: from ``sd.datasets``, or from files of the user in the formats of the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad

import sc_duality as sd
from sc_duality.datasets._fetch import File, fetch
from sc_duality.datasets._registry import SETS

#: Data sets with files that no table needs: the number of those that are needed, which come first.
_NEEDED = {"cell_puzzles": 1}
Choice = Callable[[ad.AnnData], ad.AnnData]


def files_of(name: str) -> tuple[File, ...]:
    """The files of a data set that the tables need."""
    return SETS[name].files[: _NEEDED.get(name)]


def path_of(file: File) -> Path:
    """Where a file lies after its download, or where to put it by hand."""
    return sd.settings.cache_dir / "datasets" / file.name


@dataclass(frozen=True)
class PaperData:
    """The data sets of a table.

    Parameters
    ----------
    local
        Files of the user, by data set, in the order of the registry; other data sets are downloaded.
    """

    local: dict[str, list[Path]] = field(default_factory=dict)

    def download(self, names: Sequence[str]) -> None:
        """Download what is not here yet; the first failure ends the program with a list of what to fetch by hand."""
        files = [file for name in names if name not in self.local for file in files_of(name)]
        for file in files:
            try:
                fetch(file)
            except (OSError, ValueError) as error:
                missing = [one for one in files if not path_of(one).is_file()]
                raise SystemExit(f"{error}\n\n{_to_fetch(missing)}") from error

    def read(self, name: str, choose: Choice | None = None, *, backed: bool = False) -> ad.AnnData:
        """Read a data set, and keep what ``choose`` returns of it, which has to be in memory if ``backed``."""
        reader: Callable[..., ad.AnnData] = getattr(sd.datasets, name)
        with _in_cache(name, self.local.get(name)):
            adata = reader(backed=True) if backed else reader()
            found = adata if choose is None else choose(adata)
            if backed:
                adata.file.close()
        return found


def local_files(paths: Sequence[Path], names: Sequence[str]) -> dict[str, list[Path]]:
    """Files and folders of the command line, by data set.

    A file belongs to the data set whose file has its name in the registry. The name does not matter where one file is
    all that the table needs.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        raise SystemExit(f"--data {absent}: there are no such files")
    expected = {file.name: name for name in names for file in files_of(name)}
    if len(expected) == len(files) == 1:
        return {name: list(files) for name in expected.values()}
    by_name = {file.name: file for file in files if file.name in expected}
    found = {}
    for name in names:
        own = [file.name for file in files_of(name)]
        given = [one for one in own if one in by_name]
        if given and given != own:
            raise SystemExit(f"--data: {name} consists of {', '.join(own)}; {', '.join(given)} alone cannot be read")
        if given:
            found[name] = [by_name[one] for one in own]
    if files and not found:
        raise SystemExit(f"--data: no file has the name of one of this table's: {', '.join(expected)}")
    return found


@contextmanager
def _in_cache(name: str, paths: list[Path] | None) -> Iterator[None]:
    """Let the reader find the files of the user, whose hashes are not those of the published ones."""
    if paths is None:
        yield
        return
    known, cache_dir = SETS[name], sd.settings.cache_dir
    own = tuple(replace(file, hash=None) for file in known.files)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "datasets"
        folder.mkdir()
        for file, path in zip(own, paths, strict=False):
            (folder / file.name).symlink_to(path.resolve())
        SETS[name] = replace(known, files=own)
        sd.settings.cache_dir = Path(temporary)
        try:
            yield
        finally:
            SETS[name], sd.settings.cache_dir = known, cache_dir


def _to_fetch(files: Sequence[File]) -> str:
    lines = [f"  {file.name}\n    from {file.urls[0]}\n    to {path_of(file)}" for file in files]
    return "Files of this table that are not on this machine:\n" + "\n".join(lines) + "\nOr pass them by --data."
