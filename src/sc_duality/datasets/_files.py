"""Files of the public data sets: their list, their download, and files of the user instead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from .._settings import cache_folder
from .._validation import choice
from ._fetch import File, fetch
from ._registry import SETS


def files(name: str) -> pd.DataFrame:
    """List the files of a public data set: where they are published, and where they lie after their download.

    A machine without network reads what was put at ``path`` by hand.

    Parameters
    ----------
    name
        Name of the data set, as in :func:`available`.

    Returns
    -------
    A table with a row per file, in the order of the ``files`` of the data set's function, indexed by ``file`` (its
    name): ``url``, ``path`` (in ``sd.settings.cache_dir``) and ``downloaded`` (whether there is a file at ``path``).

    Raises
    ------
    ValueError
        There is no such data set.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.datasets.files("sharma2018").index.tolist()
    ['GSE117872_good_Data_TPM.txt.gz', 'GSE117872_good_Data_cellinfo.txt.gz']
    """
    choice("name", name, SETS)
    folder = cache_folder("datasets")
    rows = [(file.name, file.urls[0], folder / file.name) for file in SETS[name].files]
    table = pd.DataFrame(rows, columns=["file", "url", "path"]).set_index("file")
    return table.assign(downloaded=[path.is_file() for path in table["path"]])


def download(name: str, *, only: Sequence[str] | None = None) -> list[Path]:
    """Download the files of a public data set without reading them, unless they are here already.

    Parameters
    ----------
    name
        Name of the data set, as in :func:`available`.
    only
        Names of the files to download, as in the index of :func:`files`. By default all.

    Returns
    -------
    The paths of the files, in ``sd.settings.cache_dir``.

    Raises
    ------
    OSError
        A file cannot be downloaded; the message says where to put it by hand.
    ValueError
        There is no such data set or file, or a file in the cache has another hash than expected.

    Examples
    --------
    >>> import sc_duality as sd
    >>> sd.datasets.download("kang2018")  # doctest: +SKIP
    """
    choice("name", name, SETS)
    known = {file.name: file for file in SETS[name].files}
    unknown = [one for one in only or () if one not in known]
    if unknown:
        raise ValueError(f"only={unknown}: {name} has the files {', '.join(known)}")
    return [fetch(known[one]) for one in (known if only is None else only)]


def local_paths(published: Sequence[File], own: Sequence[str | Path] | None) -> list[Path]:
    """The paths of the user's own files, else of the published ones, which are downloaded.

    Raises
    ------
    FileNotFoundError
        A file of the user does not exist.
    ValueError
        There are more or fewer files than published ones.
    """
    if own is None:
        return [fetch(file) for file in published]
    if isinstance(own, str | Path):
        raise ValueError(f"files={str(own)!r} must be a list: pass files=[{str(own)!r}]")
    paths = [Path(path) for path in own]
    if len(paths) != len(published):
        names = ", ".join(file.name for file in published)
        raise ValueError(
            f"files={[str(path) for path in paths]} must be a list of {len(published)}, in this order: {names}"
        )
    absent = [str(path) for path in paths if not path.is_file()]
    if absent:
        raise FileNotFoundError(f"files={absent}: there are no such files")
    return paths
