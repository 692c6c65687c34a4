"""Find gene symbols in prose: exact in case, not the names of cell types, nor words and abbreviations in capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)[A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*")
#: Symbols that prose also writes for something else (words, regions, germinal centre, transcription factor, …). They
#: count next to another gene or to a word such as "expresses", as all symbols of one or two characters do.
_AMBIGUOUS = set(
    """
    ACHE ADA AMPH APP ARC ATM BAD BID BLM CA1 CA2 CA3 CA4 CAD CAMP CAPS CAST CAT CBS CD4 CD8 CEL CHAD CHAT CIC CIT CLOCK
    COIL COMP COPE CTRL DES DUT ERG FUS GAL GALE GAN GEM HAL IDE IDS IMPACT ITCH KIN LAT LIF MAL MALL MAX MET MIA
    MOG MOS MPG NHS NOCT NUMB OAT PALM PAM PDF PIGS PIP PLAT POLE POLL POR PREP PROC PTS RAN REST RET SAG SCAP SDS
    SET SHE SKI SMS SON SPR STAR SYNC TANK TEC TES TIMELESS TRAP TRIO TUB VIT WAS
    """.split()  # noqa: SIM905
)
#: Names of one cell type that begin with a gene: "CD4+ T cell", "CD14 monocytes", "FOXP3-positive regulatory T cells".
_SIGN = r"(?:[-\s]?(?:\+{1,3}|⁺)|[-\s]positive|[-\s]?(?:hi|high|bright|dim|low|int)\b|[-−]?/?(?:\+/[-−]|[-−]))"
_CELLS = (
    r"(?:[a-z]*cells?|[TB](?:[-\s]cells?|[-\s]lymph\w+)?|NKT?|DCs?|ILCs?|T[Rr]egs?|T[fhFH]h?\d*|monocytes?|macrophages?|"
    r"\w*lymphocytes?|thymocytes?|\w*neurons?|progenitors?|precursors?|fibroblasts?|lineage|compartment|subsets?)"
)
_KIND = (
    r"(?:memory|na[iï]ve|effector|cytotoxic|helper|regulatory|activated|central|resting|(?:tissue-)?resident|conventional|"
    r"(?:non-?)?classical|intermediate|plasmacytoid|myeloid|lymphoid|mature|immature|alpha-beta|gamma-delta|follicular|"
    r"mucosal|intraepithelial|proliferating|cycling|exhausted|dendritic|plasma|natural|killer|stem|endothelial|epithelial|"
    r"mesenchymal|hematopoietic|haematopoietic|inhibitory|excitatory|T|B|NK)"
)
_TYPE = rf"[-\s]+(?:{_KIND}[-\s]+){{0,3}}{_CELLS}(?!\w)"
_SIGNED_TYPE = re.compile(rf"{_SIGN}(?:\s*,\s*[a-z]+(?:-[a-z]+)*)?{_TYPE}")
_CD_TYPE = re.compile(rf"{_SIGN}?(?:\s*(?:/|and|or)\s*CD\d+\w?{_SIGN}?)?{_TYPE}")
_CD = re.compile(r"CD\d+[A-Z]?\d?")
#: Suffixes that say that a gene is not expressed.
_NEGATIVE = re.compile(r"(?:[-−⁻](?![\w−-])|[-−\s](?:negative|neg|deficient|null|low|lo|dim)\b)")
_LIST = re.compile(r"""[\s*_`"'“”()]*(?:[,;/&+]|,?\s*\b(?:and|or|plus|nor)\b)+[\s*_`"'“”()]*""")
_BEFORE = re.compile(
    r"""\b(?:express\w*|expression(?:\s+of)?|levels\s+of|genes?(?:\s+(?:like|such\s+as|including))?|"""
    r"""markers?(?:\s+(?:like|such\s+as|including))?|transcripts?|upregulat\w+|e\.g\.,?)[\s:,*_`"'“(]*$"""
)
_AFTER = re.compile(r"""[\s*_`"'”]*(?:\(\w+\)\s*)?(?:genes?|express\w*|transcripts?|mRNA|levels?|marks)\b""")
_SHORT, _SHARED_PREFIX = 2, 2


class GeneInText(NamedTuple):
    """A gene symbol in a text."""

    gene: str
    start: int
    stop: int
    #: Whether a suffix says that the gene is not expressed: "CD3E-", "CD3E-negative".
    negative: bool


def genes_in_text(text: str, names: Mapping[str, str], masked: Sequence[tuple[int, int]] = ()) -> list[GeneInText]:
    """The gene symbols in a text, in their order.

    Parameters
    ----------
    text
        Prose, with or without Markdown.
    names
        The gene by each name that it may have in the text, exact in case.
    masked
        Parts of the text that are not read, such as the labels of cell types.
    """
    found = [one for token in _TOKEN.finditer(text) for one in _in_token(text, token, names)]
    free = [one for one in found if not any(start < one.stop and one.start < stop for start, stop in masked)]
    certain = [not _is_ambiguous(text[one.start : one.stop]) or _has_context(text, one) for one in free]
    # A list passes certainty on, in both directions.
    for order in (range(1, len(free)), range(len(free) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for i in order:
            certain[i] = certain[i] or (
                certain[i + step] and _in_list(text, *sorted((free[i], free[i + step]), key=_start))
            )
    return [one for one, kept in zip(free, certain, strict=True) if kept]


def follows_in_list(text: str, before: GeneInText, after: GeneInText) -> bool:
    """Whether nothing but a separator of a list, or white space, stands between two genes."""
    return _in_list(text, before, after) or not text[before.stop : after.start].strip("*_`\"'“” ")


def _start(one: GeneInText) -> int:
    return one.start


def _in_list(text: str, before: GeneInText, after: GeneInText) -> bool:
    return _LIST.fullmatch(text, before.stop, after.start) is not None


def _in_token(text: str, token: re.Match[str], names: Mapping[str, str]) -> Iterator[GeneInText]:
    """The genes in one token: the token itself, or its parts between hyphens, and short forms after a slash."""
    start, stop, whole = token.start(), token.end(), token[0]
    if whole not in names:
        parts = whole.split("-")
        n = next((n for n in range(len(parts) - 1, 0, -1) if "-".join(parts[:n]) in names), 0)
        rest = parts[n:]
        if not n or not all(part.islower() or part in names for part in rest):
            return
        stop = start + len("-".join(parts[:n]))
        at = stop + 1
        for part in rest:
            if part in names:
                yield GeneInText(names[part], at, at + len(part), negative=False)
            at += len(part) + 1
    symbol = text[start:stop]
    if _SIGNED_TYPE.match(text, stop) or (_CD.fullmatch(symbol) and _CD_TYPE.match(text, stop)):
        return
    yield GeneInText(names[symbol], start, stop, negative=_NEGATIVE.match(text, stop) is not None)
    yield from _short_forms(text, symbol, stop, names)


def _short_forms(text: str, symbol: str, stop: int, names: Mapping[str, str]) -> Iterator[GeneInText]:
    """The other genes of "S100A8/A9", "KRT8/18" and "HLA-DRA/DRB1"."""
    while found := re.compile(r"/([A-Z0-9]+)(?![\w-])").match(text, stop):
        short, stop = found[1], found.end()
        shape = re.sub(r"\d+", "0", re.sub("[A-Z]", "A", short))
        ends = [i for i in range(_SHARED_PREFIX, len(symbol)) if symbol[i - 1] == "-" or _shape(symbol[i:]) == shape]
        full = next((symbol[:i] + short for i in ends if symbol[:i] + short in names), None)
        if short in names or full is None:
            return
        yield GeneInText(names[full], found.start(1), found.end(1), negative=False)


def _shape(part: str) -> str:
    return re.sub(r"\d+", "0", re.sub("[A-Z]", "A", part))


def _is_ambiguous(symbol: str) -> bool:
    """Whether a symbol may be a word: short, listed, or letters that only begin with a capital, as in mouse."""
    return len(symbol) <= _SHORT or symbol.upper() in _AMBIGUOUS or (symbol.isalpha() and not symbol.isupper())


def _has_context(text: str, one: GeneInText) -> bool:
    """Whether the text around a symbol says that it is a gene."""
    if re.compile(_TYPE).match(text, one.stop):
        return False
    quoted = text[max(one.start - 1, 0) : one.start] == "`" and text[one.stop : one.stop + 1] == "`"
    return quoted or bool(_BEFORE.search(text[max(one.start - 40, 0) : one.start]) or _AFTER.match(text, one.stop))
