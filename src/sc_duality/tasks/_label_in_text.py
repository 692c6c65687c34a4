"""Read a label from common forms of an answer: a list number, bold, quotes, a full stop, one sentence around it.

The text is matched as a whole, from start to end, so nothing in it is skipped: no second label, negation or doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..metrics import normal_form
from ._parse import SHOWN, Answer, Failure, Reason, split_completion

#: Longest text that may hold a label, in characters.
_MAX_LENGTH = 400
_OPEN, _CLOSE = r"""[*`"'“\u2018«(\[]*""", r"""[*`"'”\u2019»)\]]*"""
#: A list number or dash, and the name of what follows: "1.", "-", "Answer:", "**Cell type:**".
_NAMED = (
    rf"(?:{_OPEN}(?:the )?(?:(?:final|best|most likely|likely|predicted|correct) )*"
    rf"(?:answer|cell type|cell identity|label|option|type|identity|annotation){_CLOSE}(?: is)?\s*[:=]{_CLOSE}\s*)"
)
_MARK = rf"(?:(?:\(?\d{{1,3}}[.):]|[-*•#]+)\s+)?{_NAMED}?"
#: "This cluster is most likely a".
_SUBJECT = (
    r"(?:(?:so|thus|hence|therefore|overall),? )?"
    r"(?:(?:the|this|these|that|it|they|i|my|its|their|your|given|best|most|likely|predicted|correct|final|probable|"
    r"single|cell|cells|cluster|group|type|types|identity|label|answer|annotation|option|of|in|here) )+"
    r"(?:is|are|would be|must be|should be|will be|represents?|(?:can|would) be (?:annotated|classified|labell?ed) as|"
    r"choose|chose|select|pick|annotate (?:it|this|them) as|say) "
    r"(?:(?:most|very|quite|likely|probably|clearly|therefore|thus|the|option|cell|type|of|type:|as) )*"
    r"(?:an? )?"
)
#: The reason after a label, in the same sentence.
_BECAUSE = r"(?:,? (?:because|based on|given|due to|since|as indicated by|as shown by) [^.!?;]*)?"
_BEFORE = re.compile(rf"{_MARK}{_OPEN}\s*", re.IGNORECASE)
_BEFORE_IN_SENTENCE = re.compile(rf"{_MARK}(?:{_SUBJECT})?{_OPEN}\s*", re.IGNORECASE)
_AFTER = re.compile(rf"\s*{_CLOSE}\s*\.?{_CLOSE}", re.IGNORECASE)
_AFTER_IN_SENTENCE = re.compile(rf"\s*{_CLOSE}{_BECAUSE}\s*\.?{_CLOSE}", re.IGNORECASE)
_MARKED = re.compile(rf"{_NAMED}|\*\*[^*\n]+\*\*\.?$", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|no|never|neither|nor|without|cannot|unlikely|but|however)\b|n't|n’t", re.IGNORECASE)
#: Characters that continue a name: "pre-B cell" and "B cell-like" do not name a B cell.
_IN_NAME = re.compile(r"[\w+/&-]")


def label_in_text(text: str, labels: Sequence[str], *, sentence: bool = True) -> Answer | Failure:
    """The one label that a text names, in a form that leaves no doubt.

    Parameters
    ----------
    text
        An answer that is not exactly a label.
    labels
        Options.
    sentence
        Whether one sentence may stand around the label; else a list number, bold, quotes and a full stop only.

    Returns
    -------
    An :class:`Answer`, or a :class:`Failure` where the text names no or several labels, or more than a label.
    """
    refused = Failure(Reason.UNKNOWN_LABEL, text[:SHOWN])
    if len(text) > _MAX_LENGTH:
        return refused
    spelled = normal_form(text)
    spans = [(start, stop, label) for label in labels for start, stop in _spans(spelled, normal_form(label))]
    longest = [span for span in spans if not any(_within(span, other) for other in spans)]
    if len({label for _, _, label in longest}) != 1:
        return refused
    start, stop, label = longest[0]
    before, after = spelled[:start], spelled[stop:]
    if sentence:
        fits = _BEFORE_IN_SENTENCE.fullmatch(before) and _AFTER_IN_SENTENCE.fullmatch(after)
    else:
        fits = _BEFORE.fullmatch(before) and _AFTER.fullmatch(after)
    return Answer(label) if fits and not _NEGATION.search(before + " " + after) else refused


def undecorated(text: str) -> str:
    """A name without a list number, bold, quotes, a full stop and the start of a sentence around it."""
    text = text.strip()
    prefix = _BEFORE_IN_SENTENCE.match(text)
    name = text[prefix.end() :] if prefix else text
    name = name.strip('*`"“”«» \t').rstrip(".").strip('*`"“”«» \t')
    return name[1:-1].strip() if len(name) > 2 and name[0] + name[-1] in ("''", "()", "[]") else name


def is_marked(text: str) -> bool:
    """Whether a text is marked as the answer: in bold as a whole, or after "Answer:"."""
    return _MARKED.match(text.strip()) is not None


def untagged_answer(completion: str) -> Answer | Failure:
    """The text of a completion without answer tags, after its reasoning."""
    # With tags around what follows the reasoning, the checks are those of a tagged answer.
    thought, closed, rest = completion.rpartition("</think>")
    return split_completion(f"{thought}{closed}<answer>{rest}</answer>", tagged=True)


def _spans(text: str, label: str) -> Iterator[tuple[int, int]]:
    """Where a text has this label as whole words."""
    start = text.find(label) if label else -1
    while start >= 0:
        stop = start + len(label)
        if not (start and _IN_NAME.match(text[start - 1])) and not _IN_NAME.match(text[stop : stop + 1]):
            yield start, stop
        start = text.find(label, start + 1)


def _within(span: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Whether a longer label holds this one."""
    return other[0] <= span[0] and span[1] <= other[1] and other[1] - other[0] > span[1] - span[0]
