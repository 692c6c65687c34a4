"""Texts that files can hold."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def storable_texts(values: Iterable[str]) -> pd.Series:
    """Texts without characters that HDF5 and zarr cannot hold."""
    kept = [value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}") for value in values]
    return pd.Series(kept, index=[str(i) for i in range(len(kept))], dtype=object)
