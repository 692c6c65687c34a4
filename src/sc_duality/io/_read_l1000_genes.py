"""Read the genes of L1000."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ._text_table import read_table

#: Columns of the older version of the file by those of the newer one.
_OLDER = {"pr_gene_id": "gene_id", "pr_gene_symbol": "gene_symbol", "pr_gene_title": "gene_title"}
_COLUMNS = ["gene_id", "ensembl_id", "gene_title", "gene_type", "feature_space"]


def read_l1000_genes(path: str | Path) -> pd.DataFrame:
    r"""Read the genes of L1000, and which of them are landmark genes.

    Landmark genes (978) were measured, all others were inferred from them.

    Parameters
    ----------
    path
        ``geneinfo_beta.txt`` of clue.io, or the older ``GSE92742_Broad_LINCS_gene_info.txt``, also compressed with
        gzip.

    Returns
    -------
    One row a gene, in the order of the file, with the gene symbol as index.

    ``landmark``
        Whether it is a landmark gene.
    ``gene_id``, ``ensembl_id``, ``gene_title``, ``gene_type``, ``feature_space``
        Entrez and Ensembl identifiers, full name, type, and ``"landmark"``, ``"best inferred"`` or ``"inferred"``, as
        far as the file has them; missing ones are ``None``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not such a table, is incomplete, or has a gene without a symbol, a gene twice, or no landmark gene.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sc_duality as sd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "geneinfo_beta.txt"
    ...     _ = path.write_text(
    ...         "gene_id\tgene_symbol\tfeature_space\n5720\tPSME1\tlandmark\n1\tA1BG\tinferred\n"
    ...     )
    ...     sd.io.read_l1000_genes(path)["landmark"].to_dict()
    {'PSME1': True, 'A1BG': False}
    """
    versions = [("gene_symbol", "feature_space"), ("pr_gene_symbol", "pr_is_lm")]
    table = read_table(path, versions, "a table of L1000 genes").rename(columns=_OLDER)
    if "feature_space" not in table:
        best = table["pr_is_bing"].eq("1") if "pr_is_bing" in table else False
        table["feature_space"] = "inferred"
        table.loc[best, "feature_space"] = "best inferred"
        table.loc[table["pr_is_lm"] == "1", "feature_space"] = "landmark"
    symbols = table["gene_symbol"]
    if symbols.isna().any():
        raise ValueError(f"{int(symbols.isna().sum())} genes of {str(path)!r} have no symbol")
    if symbols.duplicated().any():
        raise ValueError(f"{str(path)!r} has the gene {symbols[symbols.duplicated()].iloc[0]!r} twice")
    found = table.set_index("gene_symbol")[[name for name in _COLUMNS if name in table]]
    found.insert(0, "landmark", found["feature_space"] == "landmark")
    if not found["landmark"].any():
        raise ValueError(f"none of the {len(found)} genes of {str(path)!r} is a landmark gene: is the file complete?")
    return found
