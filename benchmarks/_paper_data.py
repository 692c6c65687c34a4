"""Data sets of the papers' tables: from ``sd.datasets``, or from files of the user in the formats of the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anndata as ad
import pandas as pd

import sc_duality as sd

#: Data sets with files that no table needs: the number of those that are needed, which come first.
_NEEDED = {"cell_puzzles": 1}
Choice = Callable[[ad.AnnData], ad.AnnData]


def needed_files(name: str) -> pd.DataFrame:
    """The files of a data set that the tables need, as ``sd.datasets.files`` lists them."""
    return sd.datasets.files(name).iloc[: _NEEDED.get(name)]


@dataclass(frozen=True)
class PaperData:
    """The data sets of a table.

    Parameters
    ----------
    local
        Files of the user, by data set, in the order of ``sd.datasets.files``; other data sets are downloaded.
    """

    local: dict[str, list[Path]] = field(default_factory=dict)

    def download(self, names: Sequence[str]) -> None:
        """Download what is not here yet; the first failure ends the program with a list of what to fetch by hand."""
        published = [name for name in names if name not in self.local]
        try:
            for name in published:
                sd.datasets.download(name, only=list(needed_files(name).index))
        except (OSError, ValueError) as error:
            raise SystemExit(f"{error}\n\n{_to_fetch(published)}") from error

    def read(self, name: str, choose: Choice | None = None, *, backed: bool = False) -> ad.AnnData:
        """Read a data set, and keep what ``choose`` returns of it, which has to be in memory if ``backed``."""
        reader: Callable[..., ad.AnnData] = getattr(sd.datasets, name)
        adata = reader(files=self.local.get(name), **({"backed": True} if backed else {}))
        found = adata if choose is None else choose(adata)
        if backed:
            adata.file.close()
        return found


def local_files(paths: Sequence[Path], names: Sequence[str]) -> dict[str, list[Path]]:
    """Files and folders of the command line, by data set.

    A file belongs to the data set whose published file has its name. The name does not matter where one file is
    all that the table needs.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        raise SystemExit(f"--data {absent}: there are no such files")
    expected = {file: name for name in names for file in needed_files(name).index}
    if len(expected) == len(files) == 1:
        return {name: list(files) for name in expected.values()}
    by_name = {file.name: file for file in files if file.name in expected}
    found = {}
    for name in names:
        own = list(needed_files(name).index)
        given = [one for one in own if one in by_name]
        if given and given != own:
            raise SystemExit(f"--data: {name} consists of {', '.join(own)}; {', '.join(given)} alone cannot be read")
        if given:
            found[name] = [by_name[one] for one in own]
    if files and not found:
        raise SystemExit(f"--data: no file has the name of one of this table's: {', '.join(expected)}")
    return found


def _to_fetch(names: Sequence[str]) -> str:
    files = pd.concat([needed_files(name) for name in names]).query("not downloaded")
    lines = [
        f"  {file}\n    from {url}\n    to {path}"
        for file, url, path in zip(files.index, files["url"], files["path"], strict=True)
    ]
    return "Files of this table that are not on this machine:\n" + "\n".join(lines) + "\nOr pass them by --data."
