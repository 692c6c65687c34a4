"""Features that are not genes: antibodies, hashtags, guides, peaks, control probes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._adata import in_memory

if TYPE_CHECKING:
    from anndata import AnnData, Raw

#: Columns of ``var`` that tell the kind of a feature, in lower case and without separators.
_COLUMNS = frozenset({"featuretypes", "featuretype", "featurebiotype", "modality", "type"})
#: Kinds of features that are not genes, in lower case with spaces. All other values stand for genes: a column with one
#: of these names may hold biotypes, such as ``protein_coding``.
_NOT_GENES = re.compile(
    r"abs?|abseq|adts?|antibod(y|ies)|antibody capture|antibody derived tags?|cite( seq)?|prot|(surface )?proteins?"
    r"|protein expression|(cell )?hashing|cmos?|hashtags?( oligos?)?|htos?|lmos?|multiplexing( capture)?"
    r"|crispr|(crispr )?guides?( capture)?|s?grnas?|antigens?( capture)?|custom|dextramers?"
    r"|(chromatin )?accessibility|atac|chromatin|peaks?|(spike ?ins?|ercc)"
    r"|blank|genomic control|system control|negative (control|probe)|(negative )?control (probe|codeword)"
    r"|(blank|deprecated|unassigned) codeword"
)
#: Names that no gene has, by the kind of the feature.
_NAMES = re.compile(
    r"(?P<antibody>^(?:adt|prot|protein|cite|ab)[_:]|^(?:adt|prot)[-.]|[_-]totalseq-?[abc]$|\|pabo$)"
    r"|(?P<hashtag>^(?:hto|hashtag|cmo)[_:.-])"
    r"|(?P<peak>^(?:GRCh38_|mm10_+)?chr[\dXYM]+[:_-]\d+[_-]\d+$)"
    r"|(?P<control>^(?:negcontrol|unassignedcodeword_|deprecatedcodeword_|blank[-_]\d|ercc-\d{5}$))",
    re.IGNORECASE,
)


def feature_kinds(holder: AnnData | Raw, names: NDArray[np.object_]) -> NDArray[np.object_]:
    """The kind of every feature that is not a gene, by the columns of ``var`` and by its name; ``""`` for genes."""
    kinds = np.full(len(names), "", dtype=object)
    for column in holder.var.columns:
        if _normalised(column, "") in _COLUMNS:
            values = pd.Categorical(in_memory(holder.var[[column]])[column])
            other = np.array(
                [str(kind) if _NOT_GENES.fullmatch(_normalised(kind, " ")) else "" for kind in values.categories]
            )
            found = np.append(other.astype(object), "")[values.codes]  # the last is for missing values
            kinds = np.where(kinds == "", found, kinds)
    marked = [i for i, name in enumerate(names) if not name.isalnum() and _NAMES.search(name)]
    for i in marked:
        found = _NAMES.search(names[i])
        kinds[i] = kinds[i] or (found and found.lastgroup)
    return kinds


def kinds_as_text(kinds: NDArray[np.object_], names: NDArray[np.object_]) -> str:
    """Number and examples of the features of each kind, as in ``"14 Antibody Capture (CD3, CD4, …)"``."""
    texts = []
    for kind in pd.unique(kinds[kinds != ""]):
        examples = names[kinds == kind].tolist()
        texts.append(f"{len(examples)} {kind} ({', '.join(examples[:3])}{', …' if len(examples) > 3 else ''})")
    return ", ".join(texts)


def _normalised(text: object, separator: str) -> str:
    return re.sub(r"[\s_.-]+", separator, str(text).strip().lower())
