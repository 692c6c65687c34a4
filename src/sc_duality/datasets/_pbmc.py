"""Blood cells of healthy donors: a data set of this package and one of scanpy, neither needs a download."""

from __future__ import annotations

from importlib.resources import as_file, files

import anndata as ad


def pbmc3k() -> ad.AnnData:
    """317 peripheral blood mononuclear cells with raw counts and cell types.

    A subset of the 3k PBMCs of a healthy donor from 10x Genomics: a random sample of at most 50 cells, and at most a
    third, of each of the 8 types. The composition is therefore not that of blood. All genes with a count in any of
    these cells are included, so the counts of a cell sum to its total.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 317 cells × 12,611 genes, with

    ``X``
        Raw counts (UMIs), int32 CSR.
    ``obs["cell_type"]``
        Categorical: ``B cells``, ``CD14+ Monocytes``, ``CD4 T cells``, ``CD8 T cells``, ``FCGR3A+ Monocytes`` and
        ``NK cells`` (50 each), ``Dendritic cells`` (12), ``Megakaryocytes`` (5).
    ``var_names``
        Gene symbols.
    ``uns["source"]``
        Source of the cells and of the labels, as text.

    Notes
    -----
    Counts: 10x Genomics, *3k PBMCs from a Healthy Donor*, CC BY 4.0. Labels: test data of ``cellxgene_schema``
    0.0.1, MIT. Nothing is downloaded. ``python -m recipes.data.pbmc3k`` made the file; ``data/README.md`` next to
    it has the licences.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc3k()
    >>> adata.shape
    (317, 12611)
    >>> adata.obs["cell_type"].value_counts()["NK cells"]
    np.int64(50)
    """
    with as_file(files(__package__) / "data" / "pbmc3k.h5ad") as path:
        return ad.read_h5ad(path)


def pbmc68k_reduced() -> ad.AnnData:
    """700 peripheral blood mononuclear cells, processed, labelled by the most similar sorted population.

    scanpy's subset of the 68k PBMCs of a healthy donor (Zheng et al., 2017), read from the installed scanpy.
    ``X`` is *scaled* and has negative values: pass ``use_raw=True`` to rank the genes of ``.raw``.

    Returns
    -------
    A new :class:`~anndata.AnnData` of 700 cells × 765 genes, with

    ``X``
        Expression of each gene, centred and scaled, float32, dense; not for cell sentences.
    ``raw``
        The same genes, ln(1 + counts per 10,000), float32 CSR; normalised by the total over all genes of the cell,
        not only these 765.
    ``obs["bulk_labels"]``
        Categorical, 10 types: the most similar sorted population, e.g. ``CD14+ Monocyte``,
        ``CD56+ NK``, ``CD4+/CD25 T Reg``.
    ``obs["louvain"]``, ``obs["phase"]``
        Categorical: cluster and cell cycle phase (with ``S_score``, ``G2M_score``).
    ``obs["n_counts"]``, ``obs["n_genes"]``, ``obs["percent_mito"]``
        Quality metrics over all genes.
    ``obsm["X_pca"]``, ``obsm["X_umap"]``
        Principal components and UMAP, with their graph in ``obsp``.

    Notes
    -----
    Counts: 10x Genomics, *Fresh 68k PBMCs (Donor A)*. The processed object is a file of scanpy (BSD-3-Clause), see
    :func:`scanpy.datasets.pbmc68k_reduced`; nothing is downloaded.

    Zheng et al. (2017). Massively parallel digital transcriptional profiling of single cells.
    Nature Communications 8, 14049.

    Examples
    --------
    >>> import sc_duality as sd
    >>> adata = sd.datasets.pbmc68k_reduced()
    >>> adata.shape
    (700, 765)
    >>> bool(adata.X.min() < 0), bool(adata.raw.X.min() < 0)
    (True, False)
    """
    import scanpy as sc

    return sc.datasets.pbmc68k_reduced()
