"""Texts in the styles of language models, written for the tests of reasoning, and what they say."""

THOUGHTS = """\
Okay, let's go cell by cell. Cell 1 has MALAT1, NEAT1 at the top... and then PTPRC, IL7R, CD3D. So it's a T cell\
 for sure. Hmm, but which one? There's no CD8A or CD8B listed, so maybe CD4. Cell 2: FCN1, S100A9, VCAN — this \
screams classical monocyte. Let me check for FCGR3A. Nope, FCGR3A isn't in the list for Cell 2.

Next, Cell 3. I see MS4A1, BANK1, and IGHD, IGHM. IGHD means naive probably. A memory B cell would have lost \
IGHD. Cell 4 on the other hand has IGHG1, IGHG2, MZB1, XBP1; that's a plasma cell. Cell 5 has GNLY, NKG7, KLRD1 \
and low CD3D. Wait, actually CD3G is there too? No, I misread; CD3G is from Cell 1's list. So Cell 5 is NK."""
HEADINGS = """\
## Analysis

**Cell 1** — Epithelial. Key genes: EPCAM, KRT8, KRT18, KRT19. Missing SFTPC, so not AT2.

**Cell 2** — Mesenchymal. Key genes: COL1A1, COL1A2, DCN, LUM. The lack of ACTA2 and MYH11 argues against smooth\
 muscle.

**Cell 3** — Endothelial. PECAM1 and VWF are both top-20 genes; CLDN5 as well. PROX1 (a lymphatic marker) does \
not appear.

**Cell 4** — Myeloid. Although CD68 is present, MARCO and FABP4 (alveolar macrophage genes) are absent. \
C1QA/C1QB/C1QC are strong.

**Cell 5** — Ambiguous. Mostly ribosomal (RPS/RPL) transcripts. I would lean on SCGB1A1, the only lineage gene.

### Conclusion
Because COL1A1 only occurs in Cell 2, it is the fibroblast."""
TABLE = """\
| Cell | Evidence for | Evidence against |
|---|---|---|
| Cell 1 | INS, IAPP, DLK1 | no GCG |
| Cell 2 | GCG, TTR, LOXL4 | INS not detected |
| Cell 3 | SST, RBP4 | lacks PPY |
| Cell 4 | PRSS1, CPA1, CELA3A | – |
| Cell 5 | KRT19, SPP1, CFTR | PRSS1 low |
"""
NUMBERED = """\
To solve this problem, I looked at each cell's top genes.
1. Cell 1's top genes include GFAP, AQP4, SLC1A2. These are typical astrocyte genes.
2. Cell 2's top genes include MBP, PLP1, MOBP, which are oligodendrocyte markers. PDGFRA, which marks \
precursors, is not expressed.
3. Cell 3 shows SYT1, SNAP25 and SLC17A7. The absence of GAD1/GAD2 means it is excitatory.
4. Cell 4 also shows SYT1 and SNAP25, but with GAD1 and SST instead of SLC17A7.
5. Cell 5 expresses P2RY12, CSF1R, and CX3CR1, which you'd expect in microglia. It does not show any AQP4.
In summary, Cells 3 and 4 are neurons (SYT1), while Cell 1, Cell 2, and Cell 5 are glia."""
PROSE = """\
Cell 2 and Cell 3 look alike: both carry HBB and HBA1, yet only Cell 3 has GYPA. By contrast Cell 1 is rich in \
PPBP and PF4, hallmarks of megakaryocytes (ITGA2B was not seen, though). As for Cell 4, the combination of CD34 \
and SPINK2 without any lineage genes such as MPO or GATA1 is what one expects from HSCs. Finally Cell 5 has high\
 MPO, ELANE and AZU1. Since MPO is higher in Cell 5 than in Cell 4, Cell 5 is the GMP."""
PARAGRAPHS = """\
We have five cells and five types. I start with the easiest.

Cell 5 is dominated by SFTPC, SFTPA1, SFTPB and NAPSA, so it is clearly the type II pneumocyte.

Cell 2 lists AGER and CAV1 among its top genes, with EMP2. Type I pneumocytes usually express AGER, and none of \
the surfactant genes (SFTPC, SFTPB) is in the list of Cell 2.

Cell 1 and Cell 4 are immune. Cell 1 has CD3E, TRAC and GZMA, while Cell 4 has MRC1, FABP4 and APOC1. Because \
FABP4 is specific to alveolar macrophages, I take Cell 4 as the macrophage.

The last one, Cell 3, expresses FOXJ1 and TPPP3. FOXJ1 is the master regulator of ciliogenesis."""
STEPS = """\
<b>Step 1.</b> Cell 3 (RGS5, NOTCH3, no PECAM1): pericyte.
<b>Step 2.</b> Cell 1 (PECAM1, CDH5; RGS5-negative): endothelial.
<b>Step 3.</b> Between cells 2 and 4, cell 2 has the higher CD8A and also GZMK; cell 4 has FOXP3, IL2RA and CTLA4.
<b>Step 4.</b> Cell 5 has nothing except MALAT1. I considered LYZ but it isn't shown."""
SHORTHAND = """\
- Cells 1/2: both T lineage (TRAC, CD3G). Only Cell 2 shows KLRB1 and SLC4A10, i.e. MAIT.
- Cell 3: B lineage. CD19 not listed; MS4A1, CD22 and TCL1A are.
- Cell 4: pDC -> LILRA4, CLEC4C, GZMB (GZMB without PRF1 or NKG7!)
- Cell 5: cDC2, from CD1C + FCER1A + CLEC10A; CLEC9A-, XCR1-"""
DOUBTS = """\
Cell 4 has the strongest evidence, with KRT14 being its top gene and KRT5 being number three. The profile of \
Cell 2 includes KRT1 and KRT10 but not KRT14, which fits a suprabasal keratinocyte. Cell 3 expresses MLANA, \
PMEL, TYR and DCT. What about Cell 1? It is characterised by COL1A2, COL3A1. Smooth muscle cells would show \
MYH11. Therefore fibroblast. Cell 5 expresses LOR... no, that is wrong: FLG and LORICRIN are missing from Cell \
5; its markers are CD207 and CD1A."""

MATCHES = """\
<think>
Let me match. Candidates: enterocyte, goblet, Paneth, tuft, stem.

Cell 1: APOA1, APOA4, FABP2, ALPI – enterocyte.
Cell 2: LGR5, OLFM4, ASCL2, SMOC2 – stem. Paneth cells share OLFM4?
Cell 3: DEFA5, DEFA6, LYZ, REG3A – Paneth.
Cell 4: MUC2, FCGBP, ZG16, TFF3 – goblet, though LYZ appears too (rank 40).
Cell 5: TRPM5, POU2F3, IRAG2, no MUC2 – tuft.

Double-check Cell 2 vs Cell 3: Cell 2 lacks DEFA5 so it can't be Paneth. Everything consistent; SMOC2 seals \
it for Cell 2.
</think>"""
#: A text, and by unit the genes that it cites as expressed and those that it denies.
CITED = [
    (
        MATCHES,
        {
            1: ("APOA1 APOA4 FABP2 ALPI", ""),
            2: ("LGR5 OLFM4 ASCL2 SMOC2", "DEFA5"),
            3: ("DEFA5 DEFA6 LYZ REG3A", ""),
            4: ("MUC2 FCGBP ZG16 TFF3 LYZ", ""),
            5: ("TRPM5 POU2F3 IRAG2", "MUC2"),
        },
    ),
    (
        THOUGHTS,
        {
            1: ("MALAT1 NEAT1 PTPRC IL7R CD3D CD3G", "CD8A CD8B"),
            2: ("FCN1 S100A9 VCAN", "FCGR3A"),
            3: ("MS4A1 BANK1 IGHD IGHM", ""),
            4: ("IGHG1 IGHG2 MZB1 XBP1", ""),
            5: ("GNLY NKG7 KLRD1", "CD3D"),
        },
    ),
    (
        HEADINGS,
        {
            1: ("EPCAM KRT8 KRT18 KRT19", "SFTPC"),
            2: ("COL1A1 COL1A2 DCN LUM", "ACTA2 MYH11"),
            3: ("PECAM1 VWF CLDN5", "PROX1"),
            4: ("CD68 C1QA C1QB C1QC", "MARCO FABP4"),
            5: ("SCGB1A1", ""),
        },
    ),
    (
        TABLE,
        {
            1: ("INS IAPP DLK1", "GCG"),
            2: ("GCG TTR LOXL4", "INS"),
            3: ("SST RBP4", "PPY"),
            4: ("PRSS1 CPA1 CELA3A", ""),
            5: ("KRT19 SPP1 CFTR", "PRSS1"),
        },
    ),
    (
        NUMBERED,
        {
            1: ("GFAP AQP4 SLC1A2", ""),
            2: ("MBP PLP1 MOBP", "PDGFRA"),
            3: ("SYT1 SNAP25 SLC17A7", "GAD1 GAD2"),
            4: ("SYT1 SNAP25 GAD1 SST", "SLC17A7"),
            5: ("P2RY12 CSF1R CX3CR1", "AQP4"),
        },
    ),
    (
        PROSE,
        {
            1: ("PPBP PF4", "ITGA2B"),
            2: ("HBB HBA1", ""),
            3: ("HBB HBA1 GYPA", ""),
            4: ("CD34 SPINK2", "MPO GATA1"),
            5: ("MPO ELANE AZU1", ""),
        },
    ),
    (
        "Looking at cluster 2, I find TRDC and KLRC1 near the top; TRAC is nowhere to be found.",
        {2: ("TRDC KLRC1", "TRAC")},
    ),
    ("Cluster 4's profile (CPA3, TPSAB1, KIT, MS4A2) is that of mast cells.", {4: ("CPA3 TPSAB1 KIT MS4A2", "")}),
    ("cell 3 - ELANE+ MPO+ but MS4A1- and CD3E-", {3: ("ELANE MPO", "MS4A1 CD3E")}),
    (
        "Since Cell 1 doesn't have any of the B cell genes (CD79A, CD79B, MS4A1), I rule it out. Cell 2 "
        "does have them.",
        {1: ("", "CD79A CD79B MS4A1")},
    ),
    ("Cell 5 stands out with hemoglobin genes (HBB, HBA2).", {5: ("HBB HBA2", "")}),
    ("None of Cells 1, 2 or 3 show EPCAM; only Cell 4 does.", {1: ("", "EPCAM"), 2: ("", "EPCAM"), 3: ("", "EPCAM")}),
    ("I'd have expected CD19 in Cell 3 if it were a B cell, yet the list has JCHAIN.", {3: ("JCHAIN", "")}),
    (
        PARAGRAPHS,
        {
            5: ("SFTPC SFTPA1 SFTPB NAPSA", ""),
            2: ("AGER CAV1 EMP2", "SFTPC SFTPB"),
            1: ("CD3E TRAC GZMA", ""),
            4: ("MRC1 FABP4 APOC1", ""),
            3: ("FOXJ1 TPPP3", ""),
        },
    ),
    (
        STEPS,
        {
            3: ("RGS5 NOTCH3", "PECAM1"),
            1: ("PECAM1 CDH5", "RGS5"),
            2: ("CD8A GZMK", ""),
            4: ("FOXP3 IL2RA CTLA4", ""),
            5: ("MALAT1", "LYZ"),
        },
    ),
    (
        SHORTHAND,
        {
            1: ("TRAC CD3G", ""),
            2: ("TRAC CD3G KLRB1 SLC4A10", ""),
            3: ("MS4A1 CD22 TCL1A", "CD19"),
            4: ("LILRA4 CLEC4C GZMB", "PRF1 NKG7"),
            5: ("CD1C FCER1A CLEC10A", "CLEC9A XCR1"),
        },
    ),
    (
        DOUBTS,
        {
            4: ("KRT14 KRT5", ""),
            2: ("KRT1 KRT10", "KRT14"),
            3: ("MLANA PMEL TYR DCT", ""),
            1: ("COL1A2 COL3A1", ""),
            5: ("CD207 CD1A", "FLG LORICRIN"),
        },
    ),
    (
        "Given the MHC class II genes (HLA-DRA, CD74) and FCER1A, Cell 1 fits a DC better than Cell 2.",
        {1: ("HLA-DRA CD74 FCER1A", "")},
    ),
    ("HLA-DRA, although listed for Cell 3, is not specific.", {3: ("HLA-DRA", "")}),
    ("Cell 4 expresses NKG7 less than Cell 5 but has more CD8B.", {4: ("NKG7 CD8B", "")}),
    ("I see no reason to doubt that Cell 2 with CD79A is a B cell.", {2: ("CD79A", "")}),
    ("Cell 2 doesn't look like a T cell because CD3D, CD3E, CD3G are all zero.", {2: ("", "CD3D CD3E CD3G")}),
    ("Cell 3 may be mistaken for NK (NKG7 present) but CD3D places it with T cells.", {3: ("NKG7 CD3D", "")}),
    ("Without a doubt, Cell 3's MS4A1 means B cell.", {3: ("MS4A1", "")}),
    ("Cell 1 has a signature of cycling cells (MKI67, TOP2A), Cell 2 lacks it.", {1: ("MKI67 TOP2A", "")}),
    ("In contrast to Cell 1, MKI67 is undetectable in Cell 2.", {2: ("", "MKI67")}),
    ("Neither MKI67 nor TOP2A appears in Cell 2.", {2: ("", "MKI67 TOP2A")}),
    ("Cell 2: hemoglobin (HBB), but otherwise like Cell 1, e.g. LYZ.", {2: ("HBB LYZ", "")}),
    ("Cell 1 expresses CD79A, MS4A1 and CD74.", {1: ("CD79A MS4A1 CD74", "")}),
    ("Cell 1: CD79A/MS4A1 high, no CD3E, no NKG7.", {1: ("CD79A MS4A1", "CD3E NKG7")}),
    ("Cell 1 does not express CD3E, CD3D, or TRAC, but shows LYZ.", {1: ("LYZ", "CD3E CD3D TRAC")}),
    ("Unlike Cell 2, Cell 1 lacks IGHM and expresses IGHA1.", {1: ("IGHA1", "IGHM")}),
    ("Unlike Cell 2, which expresses JCHAIN, Cell 1 has MS4A1.", {2: ("JCHAIN", ""), 1: ("MS4A1", "")}),
    ("Cell 1 WAS the REST of the IMPACT in the CELL.", {}),
    ("THE CELL 1 IS A T CELL.", {}),
    ("Cell 1 is a CD8+ T cell (CD8A, GZMB).", {1: ("CD8A GZMB", "")}),
    ("Cell 1 is CD4-positive and a GC B cell.", {}),
    ("Cell 1 looks like a CD14+ monocyte: S100A8/A9, LYZ, VCAN.", {1: ("S100A8 S100A9 LYZ VCAN", "")}),
    ("Absence of CD3E and CD3D in Cell 3 rules out T cells.", {3: ("", "CD3E CD3D")}),
    ("CD3E and CD3D are not detected in Cell 3.", {3: ("", "CD3E CD3D")}),
    ("Cell 4 is CD3E-negative, CD19-negative and NCAM1+.", {4: ("NCAM1", "CD3E CD19")}),
    ("Plasma cells typically express JCHAIN and MZB1; Cell 2 shows MZB1.", {2: ("MZB1", "")}),
    ("Cell 2 has IGKC. A germinal center B cell would express BCL6 and MKI67.", {2: ("IGKC", "")}),
    ("Cell 2 expresses genes typically found in monocytes, such as LYZ and CST3.", {2: ("LYZ CST3", "")}),
    (
        "**Cell 3:**\n- High TFF3, SPINK4\n- Absent: CD3E\n- Likely goblet cell\n\n**Cell 4:**\n- NKG7, GNLY",
        {3: ("TFF3 SPINK4", "CD3E"), 4: ("NKG7 GNLY", "")},
    ),
    (
        "### Cell 1\n\nThis cell expresses `LYZ` and `S100A8`.\n\n### Cell 2\n\nIt expresses *MS4A1*.\n\nIn "
        "general, NKG7 marks NK cells.",
        {1: ("LYZ S100A8", ""), 2: ("MS4A1", "")},
    ),
    ("Cells 1, 2, and 4 all share RPL41. Cell 3 does not.", {1: ("RPL41", ""), 2: ("RPL41", ""), 4: ("RPL41", "")}),
    (
        "Cells 1–3 are dominated by RPLP1 and EEF1A1.",
        {1: ("RPLP1 EEF1A1", ""), 2: ("RPLP1 EEF1A1", ""), 3: ("RPLP1 EEF1A1", "")},
    ),
    ("Based on CD79A and MS4A1, Cell 5 is a B cell.", {5: ("CD79A MS4A1", "")}),
    (
        "With LYZ at the top, Cell 5 must be the monocyte; in contrast, Cell 4 has GNLY.",
        {5: ("LYZ", ""), 4: ("GNLY", "")},
    ),
    ("IGKC is highest in Cell 2, whereas NKG7 is highest in Cell 3.", {2: ("IGKC", ""), 3: ("NKG7", "")}),
    ("Cell 1 expresses CD31 (PECAM1) and CD20.", {1: ("PECAM1 MS4A1", "")}),
    ("Cell 1 shows MT‑CO1 and HLA‑DRA.", {1: ("MT-CO1 HLA-DRA", "")}),
    ("Cell 1 shows KRT8/18 and TRBC1/2 and HLA-DRA/DRB1.", {1: ("KRT8 KRT18 TRBC1 TRBC2 HLA-DRA HLA-DRB1", "")}),
    ("Cell 1 has neither CD3E nor CD19 but has LYZ.", {1: ("LYZ", "CD3E CD19")}),
    ("Cell 1 not only expresses CD8A but also GZMB.", {1: ("CD8A GZMB", "")}),
    ("No T cell markers (e.g., CD3D, CD3E) are seen in Cell 1, and LYZ is strong.", {1: ("LYZ", "CD3D CD3E")}),
    ("There is no doubt that Cell 1 expresses CD79A.", {1: ("CD79A", "")}),
    ("Cell 1 shows low levels of CD3E and high levels of NKG7.", {1: ("NKG7", "CD3E")}),
    ("Cell 2 expresses IGHM rather than IGHA1.", {2: ("IGHM", "IGHA1")}),
    ("Cell 2 could be a T cell, yet CD3E is missing.", {2: ("", "CD3E")}),
    ("Cell 2 expresses MARCO, CD68 and C1QA.", {2: ("MARCO CD68 C1QA", "")}),
    ("Cell 2 expresses C3, C7 and DCN.", {2: ("C3 C7 DCN", "")}),
    ("Cell 2 resembles cluster C3 of the GC.", {}),
    ("| Cell 1 | CD79A, MS4A1 | B cell |\n| Cell 2 | NKG7 | NK cell |", {1: ("CD79A MS4A1", ""), 2: ("NKG7", "")}),
    ("1. Cell 1 – CD79A. 2. Cell 2 – NKG7.", {1: ("CD79A", ""), 2: ("NKG7", "")}),
    (
        "Markers of T cells like CD3E, CD3D are missing from Cell 4. However, CD4 T cells can lack them.",
        {4: ("", "CD3E CD3D")},
    ),
    ("Cell 4 shows TFF3. However, MUC2 is not among the top genes.", {4: ("TFF3", "MUC2")}),
    ("Cell 4 has PPBP. These genes mark platelets.", {4: ("PPBP", "")}),
    ("Cell 3 (NKG7, GNLY) vs Cell 4 (CD3E, IL7R): the former is NK.", {3: ("NKG7 GNLY", ""), 4: ("CD3E IL7R", "")}),
    ("Cell 3 expresses NKG7 and Cell 4 expresses CD3E.", {3: ("NKG7", ""), 4: ("CD3E", "")}),
    ("Compared with Cell 3, NKG7 is lower in Cell 4.", {4: ("", "NKG7")}),
    ("If Cell 3 expressed CD3E it would be a T cell.", {}),
    (
        "Cell 3 lacks markers of B cells, T cells, or NK cells (e.g. MS4A1, CD3E, NKG7), consistent with "
        "monocytes (LYZ).",
        {3: ("LYZ", "MS4A1 CD3E NKG7")},
    ),
    ("Is CD3E present in Cell 3?", {}),
    ("Cell 3: CD3E−, CD19−, NCAM1+", {3: ("NCAM1", "CD3E CD19")}),
    ("Cell 2 contains INS and GCG in the list.", {2: ("INS GCG", "")}),
    ("The top genes of Cell 2 include ALB, APOA1, TF and HP.", {2: ("ALB APOA1 TF HP", "")}),
    ("Cell 2 expresses T-cell genes: CD3D, CD3E, TRAC.", {2: ("CD3D CD3E TRAC", "")}),
    ("Cell 2's top gene is LYZ.", {2: ("LYZ", "")}),
    ("In Cell 2, LYZ dominates; in Cell 3, GNLY.", {2: ("LYZ", ""), 3: ("GNLY", "")}),
    ("For Cell 2 the presence of LYZ without FCGR3A suggests a classical monocyte.", {2: ("LYZ", "FCGR3A")}),
    ("Cell 2 is marked by CST3; FCER1A, CLEC10A and CD1C are all absent.", {2: ("CST3", "FCER1A CLEC10A CD1C")}),
    ("NKG7 and GNLY point to Cell 3.", {3: ("NKG7 GNLY", "")}),
    ("We can assign Cell 3 because it has NKG7, GNLY, and PRF1, and no CD3D.", {3: ("NKG7 GNLY PRF1", "CD3D")}),
    ("Cell 3 fails to express MS4A1. It does, however, express CD38 and SDC1.", {3: ("CD38 SDC1", "MS4A1")}),
    ("Cell 1 shows little to no CD3E; KLRD1 is strong.", {1: ("KLRD1", "CD3E")}),
    ("Cell 1 shows CD14 but the FCGR3A signal is weak.", {1: ("CD14", "FCGR3A")}),
    ("Cell 1 and 3 both express IL7R.", {1: ("IL7R", ""), 3: ("IL7R", "")}),
    ("Cell 5 expressed XIST, so the donor is female.", {5: ("XIST", "")}),
    ("Cell 5 is negative for CD3E, CD19, and CD14.", {5: ("", "CD3E CD19 CD14")}),
    ("Cell 5 shows moderate CD3E expression with GZMK.", {5: ("CD3E GZMK", "")}),
    ("Cell 5: no canonical markers. Its top genes are RPS27 and TMSB10.", {5: ("RPS27 TMSB10", "")}),
]

#: A text about one unit, with the genes that it cites as expressed and those that it denies.
CITED_ALONE = [
    (
        "This cluster is marked by GZMK, CCL5 and CD8A. Naive T cells express CCR7 and SELL, neither of which"
        " is among the top genes. Unlike NK cells, which express NCAM1, it keeps CD3D. CD8+ effector memory T"
        " cells it is.",
        "GZMK CCL5 CD8A CD3D",
        "",
    ),
    (
        "The differentially expressed genes (MS4A1, CD79A, TCL1A, IGHD) immediately suggest naive B cells. "
        "Memory B cells would be CD27+ and IGHD-. The highly expressed list adds CD74, HLA-DRA. I don't see "
        "JCHAIN, MZB1 or XBP1, ruling out plasma cells.",
        "MS4A1 CD79A TCL1A IGHD CD74 HLA-DRA",
        "JCHAIN MZB1 XBP1",
    ),
    (
        "Top DE genes: FCGR3A, MS4A7, LST1, RHOC. CD14 is lower than in the other monocyte cluster; S100A8/9 "
        "absent. => non-classical monocyte (CD16+).",
        "FCGR3A MS4A7 LST1 RHOC",
        "CD14 S100A8 S100A9",
    ),
    (
        "Key evidence:\n* `PPBP`, `PF4`, `GP9` – platelet genes\n* *No* `HBB` – not erythroid"
        "\nThe cells express almost nothing else.",
        "PPBP PF4 GP9",
        "HBB",
    ),
    (
        "The presence of both CD3E and CD19 is odd; possibly doublets. If T cells, one would expect TRAC; it "
        "is there. Final: T cell.",
        "CD3E CD19",
        "",
    ),
    (
        "Ribosomal genes (RPS27, RPL34) and LTB, IL7R, TCF7 with CCR7 → naive/central memory CD4 T cells. "
        "CD8A/CD8B not seen, GNLY not seen.",
        "RPS27 RPL34 LTB IL7R TCF7 CCR7",
        "CD8A CD8B GNLY",
    ),
    ("High CLEC9A, XCR1, BATF3: cDC1. cDC2s express CD1C instead.", "CLEC9A XCR1 BATF3", ""),
    ("EPCAM+ KRT20+ with FABP1; MUC2 negative so absorptive, not goblet.", "EPCAM KRT20 FABP1", "MUC2"),
    (
        "Mitotic genes such as MKI67, TOP2A and UBE2C dominate. The lineage is T (CD3D). No B-lineage transcripts.",
        "MKI67 TOP2A UBE2C CD3D",
        "",
    ),
]

#: A text, and by unit the labels that it assigns, one after the other.
ASSIGNED = [
    ("Cell 1 is a B cell. Cell 2 is the NK cell.", {1: ["B cell"], 2: ["NK cell"]}),
    ("Cell 1 → plasma cell; Cell 2 → B cell", {1: ["plasma cell"], 2: ["B cell"]}),
    ("Cell 3 might be a B cell or a plasma cell.", {}),
    ("Cell 3 is not a B cell.", {}),
    ("Cell 3 isn't the plasma cell, so it must be the B cell.", {3: ["B cell"]}),
    ("Cell 3 is either a B cell or a plasma cell. On reflection, Cell 3 is the plasma cell.", {3: ["plasma cell"]}),
    ("Is Cell 3 a B cell?", {}),
    ("If Cell 3 is the B cell, then Cell 4 is the plasma cell.", {}),
    ("Cell 1 expresses B cell markers.", {}),
    ("Cell 1 shows a B cell-like profile.", {}),
    ("**Cell 1 (B cell)**: CD79A", {1: ["B cell"]}),
    ("- **Cell 1:** **NK cell** – NKG7", {1: ["NK cell"]}),
    ("1. Cell 1 = B cells\n2. Cell 2 = goblet cells", {1: ["B cell"], 2: ["goblet cell"]}),
    (
        "Initially I labelled Cell 4 as a plasma cell. Wait, it lacks JCHAIN. So Cell 4 is a B cell.",
        {4: ["plasma cell", "B cell"]},
    ),
    ("B cell → Cell 2\nplasma cell → Cell 3", {2: ["B cell"], 3: ["plasma cell"]}),
    ("The plasma cell is Cell 5.", {5: ["plasma cell"]}),
    ("I assign NK cell to Cell 5.", {5: ["NK cell"]}),
    ("Assign Cell 5 to NK cell.", {5: ["NK cell"]}),
    ("That leaves Cell 5 as the NK cell and Cell 4 as the goblet cell.", {5: ["NK cell"], 4: ["goblet cell"]}),
    ("| Cell 1 | CD79A | B cell |", {1: ["B cell"]}),
    ("Cell 2: CD79A, MS4A1 → B cell", {2: ["B cell"]}),
    ("Cell 2 has MS4A1, which is a B cell gene.", {}),
    ("Cell 2 is best explained as a germinal center B cell.", {2: ["germinal center B cell"]}),
    ("Cell 2 is similar to a B cell.", {}),
    ("Cell 2 is more likely the IgA plasma cell than the plasma cell.", {2: ["IgA plasma cell"]}),
    ("Let me swap: Cell 2 should be the B cell, and Cell 3 the plasma cell.", {2: ["B cell"], 3: ["plasma cell"]}),
    ("Cell 1 cannot be a B cell; therefore it is the NK cell.", {1: ["NK cell"]}),
    ("Cell 1 is a strong candidate for B cell.", {}),
    ("Final: B cell | NK cell | goblet cell", {}),
    ("Cell 3 → CD8-positive, alpha-beta T cell (NKG7)", {3: ["CD8-positive, alpha-beta T cell"]}),
    ("Cell 3: likely a CD8‑positive, alpha‑beta T cell.", {3: ["CD8-positive, alpha-beta T cell"]}),
    ("This makes Cell 4 our classical monocyte.", {4: ["classical monocyte"]}),
    ("Cells 1 and 2 are B cells.", {1: ["B cell"], 2: ["B cell"]}),
    ("We have not assigned the B cell. Cell 1 remains.", {}),
    ("Cell 1: B cell (not plasma cell).", {1: ["B cell"]}),
    ("I first thought Cell 1 was a B cell, but Cell 1 is a plasma cell.", {1: ["B cell", "plasma cell"]}),
]
