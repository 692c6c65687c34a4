"""Write results into files on disk, without reading or rewriting the expression in them, and reports as HTML."""

from __future__ import annotations

from ._write_report import write_report
from ._write_results import write_results
from ._write_sentences import write_sentences

__all__ = ["write_report", "write_results", "write_sentences"]
