"""What a sentence says of a gene: that it is expressed, that it is missing or low, or only what types express it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from ._genes_in_text import GeneInText, follows_in_list


class Stated(StrEnum):
    """What a text says of a gene."""

    PRESENT = "present"
    ABSENT = "absent"
    #: Of cells in general: "plasma cells typically express JCHAIN", "CD19 would be expected".
    GENERAL = "general"


_VERB = (
    r"(?:co-?)?(?:express|show|ha(?:s|ve)\b|contain|includ|display|featur|exhibit|possess|carr|detect|observ|see\b|list)"
    r"\w*"
)
#: What denies the genes that follow.
_DENIES = re.compile(
    rf"\b(?:lack(?:s|ed|ing)?|absence\s+of|loss\s+of|devoid\s+of|absent|missing|negative\s+for|free\s+of|without|"
    rf"none\s+of|neither|nor|undetectable|"
    rf"(?:very\s+|relatively\s+)?(?:low|weak|minimal|reduced|limited|little)(?=\s+(?:or\s+no\s+|to\s+no\s+)?(?:\w+\s+)?"
    rf"(?:express\w*|levels?|amounts?|(?-i:[A-Z0-9])))|"
    rf"(?:not(?!\s+only\b)|never|cannot|fails?\s+to|no\s+longer|doesn['’]t|don['’]t|didn['’]t)\s+(?:\w+\s+){{0,3}}?{_VERB}|"
    rf"(?:not|rather\s+than|instead\s+of|as\s+opposed\s+to)(?=\s+[*_`\"'“(]*(?-i:[A-Z][A-Z0-9-]{{2,}}))|"
    rf"no(?!\s+(?:doubt|question|need|other|one|reason|better|choice|longer|surprise)\b))\b",
    re.IGNORECASE,
)
#: What denies the genes before it: "CD3E and CD3D are not detected".
_NOT = (
    r"(?:not|n['’]t|never|nowhere|hardly|barely)\s+(?:\w+\s+){0,3}?(?:present|detect\w*|express\w*|seen|found|observed|list\w*|"
    r"shown|includ\w+|featur\w+|visible|there|among|in\s+the|evident|prominent\w*|high\w*|part|apparent|measured)"
)
_MISSING = r"(?:absent|missing|lacking|undetect\w+|zero\b)"
_DENIED = re.compile(
    rf"(?:\b(?:is|are|was|were|be|being|seems?|appears?|remains?)(?:\s+(?:also|both|all|notably|completely|largely|entirely|"
    rf"clearly|very|just))*\s+|:\s*|\(\s*|\b(?:is|are|was|were))\s*(?:{_MISSING}|negative|low(?:er)?\b|weak(?:er)?\b|{_NOT})|"
    rf"\b(?:{_MISSING}|{_NOT})|\b(?:do(?:es)?|did)(?:\s+not|n['’]t)\s+(?:appear|show\s+up|occur|stand\s+out)",
    re.IGNORECASE,
)
#: What tells of cells in general, before the genes and after them.
_MODAL = rf"\b(?:would|should|might|could|may|must)\s+(?:\w+\s+){{0,3}}?(?:{_VERB}|upregulat\w+|downregulat\w+|expect)"
_USUALLY = (
    r"\b(?:typically|usually|normally|classically|generally|often|commonly|characteristically|canonically|known\s+to|"
    rf"tend\s+to)\s+(?:\w+\s+){{0,2}}?(?:{_VERB}|upregulat\w+|downregulat\w+|defined|marked|identified|characteri[sz]ed)"
)
#: "Naive T cells express", "NK cells, which have", at the start of a clause and without "these".
_TYPES_EXPRESS = (
    r"(?:^|[,;:(.—–]|\b(?:and|but|or|while|whereas|since|because|as|unlike|that|if|although|though)\b)[\s*_-]*"
    r"(?:(?!(?:these|those|the|our|all|both|its|this|such|cluster)\b)[\w+/-]+\s+){0,3}?"
    r"(?:(?<=\w\s)\w*cells|\w+(?:cytes|phages|blasts|phils)|neurons|platelets|c?DC\d?s|ILC\d?s|Tregs)\s*,?\s*(?:(?:which|that)\s+)?"
    r"(?:(?:also|all|often|do|can)\s+)?(?:co-?)?(?:express|have|share|show|carry|contain|(?:up|down)regulate|lack)\b"
)
_GENERAL = re.compile(
    rf"{_MODAL}|{_USUALLY}|{_TYPES_EXPRESS}|\bexpect(?:ed)?\s+(?:to\s+(?:see|find)\s+)?|"
    r"\bwould\s+(?:\w+\s+)?be(?=\s+(?-i:[A-Z][A-Z0-9-]{2,}))|"
    r"\b(?:if|whether|maybe|perhaps|possibly|(?:check|look)(?:ing)?\s+for)\b",
    re.IGNORECASE,
)
_IN_GENERAL = re.compile(
    r"\b(?:would|should|might|could)\s+(?:also\s+)?be\s+(?:expected|expressed|present|high)", re.IGNORECASE
)
_CLAIM = re.compile(rf"\b(?:{_VERB}|high|strong|enriched|positive|is\s+rich)\b", re.IGNORECASE)

#: Characters that a denial reaches at most.
_MAX_REACH = 400
#: What ends the reach of a denial: always, and after a gene, a comma or "and".
_ENDS = re.compile(
    r"[;—–]|\b(?:but|however|although|though|while|whereas|yet|despite|so|thus|therefore|hence|because|since|with|suggest\w*|"
    r"indicat\w*|mak(?:es|ing)|consistent|leaving|unlike|except|instead|which)\b",
    re.IGNORECASE,
)
_ENDS_LATER = re.compile(
    rf"\b(?:is|are|was|were|{_VERB}|high(?:ly)?|strong(?:ly)?|abundant|enriched|dominated|positive|supports?|it|its|this|"
    r"these|they|we|both|cells?\s+\d+)\b",
    re.IGNORECASE,
)
_ARMS = re.compile(r"(?<!\d),|\band\b", re.IGNORECASE)
_EXAMPLES = re.compile(r"\b(?:e\.g\.|i\.e\.|such\s+as|including|like)\s*,?", re.IGNORECASE)
_SUBJECT = re.compile(
    r"""[\s*_`"'”)]*(?:\([^()]*\)\s*)?(?:,\s*(?:which|an?|the)\b[^,;.()]*,\s*)?(?:(?:genes?|express\w*|transcripts?|markers?|levels?|signals?|mRNA)\s+)*"""
    r"""(?:,?\s*(?:but|though|although|and|—|–|-)?\s*(?:which|these|those|this|they|it|both|all|none)?(?:\s+of\s+(?:which|them|these))?"""
    r"""(?:\s+(?:genes?|markers?|transcripts?))?)?\s*"""
)
_ELSEWHERE = re.compile(r"\s+(?:in|from|for)\s+(?:the\s+other|other|cells?\b|clusters?\b)", re.IGNORECASE)
_THESE = re.compile(
    r"\W*(?:(?:however|but|yet|unfortunately)\W+)?(?:these|those|such|they|none\s+of\s+(?:these|them))\b", re.IGNORECASE
)


def stated_genes(sentence: str, genes: Sequence[GeneInText]) -> list[Stated]:
    """What a sentence says of each of its genes; their positions are those in the sentence."""
    if not genes:
        return []
    if sentence.rstrip("\"'”*_` \n").endswith("?"):
        return [Stated.GENERAL] * len(genes)
    denied = [_reach(sentence, cue.end(), genes) for cue in _DENIES.finditer(sentence)]
    general = [
        _reach(sentence, cue.end(), genes) for cue in _GENERAL.finditer(sentence) if not _is_claim(sentence, cue)
    ]
    after = {i: Stated.GENERAL for cue in _IN_GENERAL.finditer(sentence) for i in _before(sentence, cue, genes)}
    after |= {i: Stated.ABSENT for cue in _DENIED.finditer(sentence) for i in _before(sentence, cue, genes)}
    found = []
    for i, one in enumerate(genes):
        if one.negative or after.get(i) == Stated.ABSENT or any(start <= one.start < stop for start, stop in denied):
            found.append(Stated.ABSENT)
        elif i in after or any(start <= one.start < stop for start, stop in general):
            found.append(Stated.GENERAL)
        else:
            found.append(Stated.PRESENT)
    return found


def denies_genes_before(sentence: str) -> bool:
    """Whether a sentence denies the genes of the one before it: "However, these genes are not listed here."."""
    subject = _THESE.match(sentence)
    return subject is not None and (
        subject[0].lower().rstrip().endswith(("none of these", "none of them"))
        or _DENIED.search(sentence, subject.end() - 1) is not None
    )


def _is_claim(sentence: str, cue: re.Match[str]) -> bool:
    """Whether "genes typically found in …" is what a cell expresses: a claim stands before, in the same clause."""
    clause = re.split(r"[,;()—–]|\b(?:which|as|since|because)\b", sentence[: cue.start()])[-1]
    return _CLAIM.search(clause) is not None and re.match(_USUALLY, cue[0], re.IGNORECASE) is not None


def _reach(sentence: str, start: int, genes: Sequence[GeneInText]) -> tuple[int, int]:
    """From the end of a cue to where what it says of genes ends."""
    depth, armed, at, stop = 0, False, start, min(start + _MAX_REACH, len(sentence))
    starts, stops = {one.start for one in genes}, {one.start: one.stop for one in genes}
    while at < stop:
        if at in starts:
            armed, at = True, stops[at]
            continue
        examples = _EXAMPLES.match(sentence, at)
        if examples:
            at = examples.end()
            continue
        depth += (sentence[at] == "(") - (sentence[at] == ")")
        ends = depth < 0 or _ENDS.match(sentence, at) or (armed and _ENDS_LATER.match(sentence, at))
        if ends and not (at and sentence[at].isalpha() and sentence[at - 1].isalnum()):
            return start, at
        armed = armed or _ARMS.match(sentence, at) is not None
        at += 1
    return start, stop


def _before(sentence: str, cue: re.Match[str], genes: Sequence[GeneInText]) -> list[int]:
    """Indices of the genes that are the subject of a cue: the last one before it, and its list."""
    found = [i for i, one in enumerate(genes) if one.stop <= cue.start()][-1:]
    if not found or not _SUBJECT.fullmatch(sentence, genes[found[0]].stop, cue.start()):
        return []
    if cue[0].startswith("("):  # of one gene: "KRT19, KRT7 (low)"; not of other cells: "KRT7 (absent in Cell 1)"
        return [] if _ELSEWHERE.match(sentence, cue.end()) else found
    while found[-1] > 0 and follows_in_list(sentence, genes[found[-1] - 1], genes[found[-1]]):
        if ";" in sentence[genes[found[-1] - 1].stop : genes[found[-1]].start]:
            break
        found.append(found[-1] - 1)
    return found
