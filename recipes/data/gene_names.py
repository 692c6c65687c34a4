"""Trim HGNC's table of human genes to the names that the package ships.

    python -m recipes.data.gene_names PATH/TO/hgnc_entries.tsv

PATH is a table from HGNC's custom downloads (https://www.genenames.org/download/custom/) with at least the columns
"Approved symbol", "Status", "Previous symbols", "Alias symbols", "Ensembl gene ID" and "Locus type".
"""

from __future__ import annotations

import argparse
import gzip
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sc_duality.models import resolve

SHIPPED = Path(__file__).parents[2] / "src/sc_duality/cells/hgnc/genes.tsv.gz"
LOCI = ["gene with protein product", "immunoglobulin gene", "T cell receptor gene", "RNA, long non-coding"]


def table(hgnc: pd.DataFrame, vocabulary: Collection[str]) -> pd.DataFrame:
    """Genes of these loci and of ``vocabulary``, each with the names that no other gene has."""
    hgnc = hgnc[hgnc["Status"] == "Approved"]
    symbols = set(hgnc["Approved symbol"])
    previous, aliases = (
        [list(dict.fromkeys(cell.split(", "))) for cell in hgnc[column]]
        for column in ("Previous symbols", "Alias symbols")
    )
    owners = Counter(name for names in zip(previous, aliases, strict=True) for name in set().union(*names))
    shared = {name for name, n in owners.items() if n > 1 or name in symbols or "|" in name} | {""}
    genes = pd.DataFrame(
        {
            "symbol": hgnc["Approved symbol"],
            "ensembl": hgnc["Ensembl gene ID"],
            "previous": ["|".join(name for name in names if name not in shared) for names in previous],
            "aliases": [
                "|".join(name for name in names if name not in shared and name not in older)
                for names, older in zip(aliases, previous, strict=True)
            ],
        }
    )
    own = genes.agg("|".join, axis=1).str.split("|")
    named = own.map(lambda names: not set(names).isdisjoint(vocabulary))
    return genes[hgnc["Locus type"].isin(LOCI) | named].sort_values("symbol", ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the table of HGNC")
    hgnc = pd.read_csv(parser.parse_args().path, sep="\t", dtype=str, keep_default_na=False)

    vocabulary = resolve("embedded").genes or frozenset()
    genes = table(hgnc, vocabulary)
    SHIPPED.write_bytes(gzip.compress(genes.to_csv(sep="\t", index=False, lineterminator="\n").encode(), 9, mtime=0))
    named = set(genes.agg("|".join, axis=1).str.split("|").explode())
    print(f"{len(genes)} genes, {SHIPPED.stat().st_size / 1e3:.0f} KB: {SHIPPED.name}")
    print(f"{len(named & vocabulary)} of the embedded model's {len(vocabulary)} genes are among their names")


if __name__ == "__main__":
    main()
