"""Tables and figures of C2S-Scale whose data cannot be had through ``sd.datasets``."""

from __future__ import annotations

from benchmarks._paper_table import PaperTable

_MISSING = {
    "c2s-bulk": (
        "match of single cells and pseudobulk (section 4.7.4)",
        "its lung data set [24] is not in sd.datasets; sd.metrics.foscttm and python -m benchmarks.embedding measure "
        "the same on other cells",
    ),
    "c2s-captions": (
        "captions of clusters (section 4.7.5, figure 3D)",
        "the 1,723 captions that GPT-4o wrote for 345 clusters are not in sd.datasets; "
        "sd.tl.describe and sd.metrics.bert_score are its tools",
    ),
    "c2s-interpretation": (
        "summaries of data sets (section 4.7.6, figure 3E and F)",
        "the abstracts of 613 studies and their 500 variations are not in sd.datasets; sd.tl.interpret is its tool",
    ),
    "c2s-spatial": (
        "spatial neighbourhoods and niches (section 4.7.7, figure 4B)",
        "the CosMx liver data are not in sd.datasets; python -m "
        "benchmarks.spatial measures the four tasks on other tissue",
    ),
    "c2s-qa": (
        "questions on cells (section 4.7.8, figure 5B)",
        "the question-answer pairs that GPT-4.5 wrote are not in sd.datasets; sd.tl.ask "
        "and sd.rewards.semantic_reward are its tools",
    ),
    "c2s-cytokines": (
        "responses to cytokines (section 4.7.9, figure 6B to D)",
        "the data of Dong et al. are not in sd.datasets; python -m benchmarks.response measures responses to "
        "interferon beta on the cells of Kang et al.",
    ),
    "c2s-l1000": (
        "responses of apoptosis genes (section 4.7.9, figure 6D)",
        "L1000, level 3, is not in sd.datasets; sd.rewards.gene_program_reward and sd.metrics.kendall_tau are its "
        "tools",
    ),
    "c2s-screen": (
        "virtual screen for antigen presentation (section 4.9, figure 7)",
        "the tumour profiles, the library of 4,266 compounds and the screening model are not in sd.datasets; "
        "sd.tl.screen is its tool, and python -m benchmarks.response measures it on a library of known effect",
    ),
}
TABLES = tuple(
    PaperTable(name, about, missing=reason, source="C2S-Scale") for name, (about, reason) in _MISSING.items()
)
