"""Trim the Cell Ontology to the terms that the package ships.

    python -m recipes.data.cell_ontology PATH/TO/CL-ontology.json [EARLIER.json ...]

The paths are releases of the Cell Ontology as JSON, as in the PyPI package ``cellxgene-ontology-guide`` (folder
``data``, unpacked with ``zstd -d``). The first is the release that is shipped. Of earlier ones, names that have changed
are kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parents[2] / "src/sc_duality/cells/cell_ontology"
SHIPPED, DEFINITIONS = FOLDER / "terms.tsv.gz", FOLDER / "definitions.tsv.gz"
#: Prokaryotic, fungal, photosynthetic and nitrogen-fixing cells, whose descendants are left out with them.
OTHER_KINGDOMS = {"CL:0000257", "CL:0000520", "CL:0000521", "CL:0000628", "CL:0000725"}
#: Cells that people do not have, by their names.
OTHER_SPECIES = re.compile(
    r"\(Mmus\)|, mouse$|\(sensu (?!Vertebrata)|invertebrate|larva|insect|hemocyte|scolop|cnid|[Mm]alpighian|neuromast"
    r"|oenocyte|histoblast"
)


def table(release: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Terms of ``release`` with their names, nearest shipped ancestors and the obsolete ids that they replace."""
    terms = {term: entry for term, entry in release.items() if _is_kept(term, entry)}
    ancestors = {term: set(entry["ancestors"]) & set(terms) for term, entry in terms.items()}
    rows = []
    for term, entry in sorted(terms.items()):
        further = {one for parent in ancestors[term] for one in ancestors[parent]}
        former = [one[term]["label"] for one in earlier if term in one and not one[term]["deprecated"]]
        names = dict.fromkeys([*former, *entry.get("synonyms", [])])
        replaced = [old for old, one in release.items() if one["deprecated"] and one.get("replaced_by") == term]
        rows.append(
            {
                "id": term,
                "name": entry["label"],
                "synonyms": "|".join(name for name in names if name != entry["label"] and "|" not in name),
                "parents": "|".join(sorted(ancestors[term] - further)),
                "replaces": "|".join(sorted(replaced)),
            }
        )
    return pd.DataFrame(rows)


def definitions(release: Mapping[str, Any]) -> pd.DataFrame:
    """The definition of each shipped term that has one, on one line."""
    found = {term: " ".join((entry.get("description") or "").split()) for term, entry in release.items()}
    rows = [(term, found[term]) for term in sorted(found) if found[term] and _is_kept(term, release[term])]
    return pd.DataFrame(rows, columns=["id", "definition"])


def _is_kept(term: str, entry: Mapping[str, Any]) -> bool:
    other = not OTHER_KINGDOMS.isdisjoint({term, *entry["ancestors"]})
    return not entry["deprecated"] and not other and not OTHER_SPECIES.search(entry["label"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the release to ship")
    parser.add_argument("earlier", type=Path, nargs="*", help="earlier releases")
    arguments = parser.parse_args()
    release, *earlier = (json.loads(path.read_text()) for path in (arguments.path, *arguments.earlier))
    terms = table(release, earlier)
    text = terms.to_csv(sep="\t", index=False, lineterminator="\n")
    SHIPPED.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(terms)} of {len(release)} terms, {SHIPPED.stat().st_size / 1e3:.0f} kB: {SHIPPED.name}")
    defined = definitions(release)
    lines = "\n".join(map("\t".join, [defined.columns, *defined.to_numpy()])) + "\n"
    DEFINITIONS.write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    print(f"{len(defined)} definitions, {DEFINITIONS.stat().st_size / 1e3:.0f} kB: {DEFINITIONS.name}")


if __name__ == "__main__":
    main()
