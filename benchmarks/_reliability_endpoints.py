"""Tools through servers that fail in every way, and what becomes of the answers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import anndata as ad
import numpy as np
import pandas as pd

import sc_duality as sd
from benchmarks._fake_server import NUMBERS, TRANSIENT, FakeServer, answer_to, when
from sc_duality.models import LanguageModel

LABELS = ("B cells", "CD4 T cells", "γδ T cells", "NK cells", "monocytes")
#: Share of the requests that fail, and one in so many of these that only a time limit ends.
FAULT_SHARE, WAITING = 0.5, 40
#: Settings of the endpoint; hangs and slow responses take twice the time limit.
TIMEOUT, OPTIONS = 1.5, {"attempts": 3, "backoff": 0.005, "concurrency": 16}
#: Calls of a tool until every cell has an answer, at most.
MOST_CALLS = 40
#: The name of the status that tells that a cell has no answer yet.
NOT_ANSWERED = "not answered"
Tool = Callable[[ad.AnnData, LanguageModel], pd.DataFrame]


class Case(NamedTuple):
    """A tool, whether the server is vLLM, and whether it dies and comes back."""

    name: str
    tool: Tool
    vllm: bool
    dies: bool = False


def annotated(cells: ad.AnnData, model: LanguageModel, method: Any) -> pd.DataFrame:
    """One row a cell: label, status, probabilities."""
    found = cells.copy()
    sd.tl.annotate(found, model, labels=list(LABELS), method=method, key_added="found")
    table = found.obs[["found", "found_status"]].astype(object).rename(columns={"found_status": "status"})
    return table.join(found.obsm["found_probabilities"]) if "found_probabilities" in found.obsm else table


def generated(cells: ad.AnnData, model: LanguageModel) -> pd.DataFrame:
    """One row a generated cell: sentence and status."""
    counts = dict.fromkeys(LABELS, -(-cells.n_obs // len(LABELS)))
    return _sentences(sd.tl.generate(counts, model, n_genes=10), "cell_type")


def perturbed(cells: ad.AnnData, model: LanguageModel) -> pd.DataFrame:
    """One row a predicted cell: sentence and status."""
    return _sentences(sd.tl.perturb(cells, ("knockdown", "STAT1"), model, n_genes=10), "perturbation")


def _sentences(found: ad.AnnData, key: str) -> pd.DataFrame:
    sentences = [" ".join(genes) for genes in sd.get.cell_sentences(found)]
    return pd.DataFrame({"found": sentences, "status": found.obs[f"{key}_status"].to_numpy(object)}, found.obs_names)


CASES = (
    Case("annotate by generate", partial(annotated, method="generate"), vllm=False, dies=True),
    Case("annotate by choose", partial(annotated, method="choose"), vllm=False),
    Case("annotate by choose, vLLM", partial(annotated, method="choose"), vllm=True),
    Case("annotate by score, vLLM", partial(annotated, method="score"), vllm=True, dies=True),
    Case("generate", generated, vllm=False),
    Case("perturb", perturbed, vllm=False),
)


def endpoint_faults(n: int, seed: int, folder: Path) -> dict[str, Any]:
    """Run every case on ``n`` cells with and without faults.

    Returns
    -------
    ``faults``: of servers; ``lost``: cells without an answer or the status that there is none; ``wrong``: answers that
    a server without faults does not give; ``crashes``: errors other than that no server answers.
    """
    before = sd.settings.progress, sd.settings.cache, sd.settings.cache_dir
    sd.settings.progress, sd.settings.cache = False, True
    cells = sd.datasets.pbmc3k()
    cells = cells[np.arange(n) % cells.n_obs].copy()
    cells.obs_names_make_unique()
    cells.X.data[:] += np.random.default_rng(seed).poisson(1, len(cells.X.data))  # a prompt for each cell
    reports = _Reports()
    logger = logging.getLogger("sc_duality")
    level = logger.level
    logger.addHandler(reports)
    logger.setLevel(logging.INFO)
    total: Counter[str] = Counter(lost=0, wrong=0, crashes=0, calls=0)
    faults: Counter[str] = Counter()
    try:
        for number, case in enumerate(CASES):
            sd.settings.cache_dir = folder / f"{number} without faults"
            with FakeServer(vllm=case.vllm) as server:
                server.writes = written
                expected = case.tool(cells, _model(server.address))
            sd.settings.cache_dir = folder / f"{number} with faults"
            found, failed = _with_faults(case, cells, expected, seed)
            print(f"{case.name}: {dict(found)}")
            total.update(found)
            faults.update(failed)
    finally:
        logger.removeHandler(reports)
        logger.setLevel(level)
        sd.settings.progress, sd.settings.cache, sd.settings.cache_dir = before
    print("faults:", ", ".join(f"{count} × {kind}" for kind, count in faults.most_common()))
    print("last report in the log:", reports.last)
    return {**total, "faults": faults.total(), "reports": reports.n}


def _with_faults(case: Case, cells: ad.AnnData, expected: pd.DataFrame, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Call the tool until every cell has an answer; counts, and the faults of the servers."""
    counts: Counter[str] = Counter(lost=0, wrong=0, crashes=0, calls=0)
    failed: Counter[str] = Counter()
    found = None
    with ExitStack() as stack:
        server = stack.enter_context(FakeServer(vllm=case.vllm))
        address = server.address
        for call in range(MOST_CALLS):
            server.fault_of, server.writes, server.slow = partial(fault_of, seed, case.vllm), written, 2 * TIMEOUT
            server.content_type = ("application/json", "text/html; charset=latin-1")[call % 2]
            if case.dies and call == 0:
                when(lambda running=server: running.answered.total() >= len(cells) // 4, server.stop)
            counts["calls"] += 1
            try:
                found = case.tool(cells, _model(address))
                counts["wrong"] += _wrong(found, expected)
            except ConnectionError:
                pass  # says itself to call again
            except Exception as error:  # noqa: BLE001  (the campaign counts them)
                print(f"{case.name}: {type(error).__name__}: {error}")
                counts["crashes"] += 1
            if case.dies and call == 0:
                server.stop()
                failed.update(server.failed, died=1)
                server = stack.enter_context(FakeServer(vllm=case.vllm, port=server.port))
            elif found is not None and not (found["status"] == NOT_ANSWERED).any():
                break
        failed.update(server.failed)
    left = expected if found is None else found[(found["status"] == NOT_ANSWERED) & (expected["status"] == "ok")]
    counts["lost"] += len(left) + (found is not None and len(found) != len(expected))
    return counts, failed


def _wrong(found: pd.DataFrame, expected: pd.DataFrame) -> int:
    """Cells whose answer or status is another than without faults; those without an answer yet do not count."""
    answered = (found["status"] != NOT_ANSWERED).to_numpy()
    same = [(found[name] == expected[name]) | (found[name].isna() & expected[name].isna()) for name in expected]
    labelled = found["found"].notna() & (found["found"] != "")
    return int((answered & ~np.all(same, axis=0)).sum() + (~answered & labelled).sum())


def fault_of(seed: int, vllm: bool, prompt: str, n: int) -> str | None:
    """The fault of the ``n``-th request with a prompt: any with a probability of ``FAULT_SHARE``."""
    number = crc32(f"{seed} {n} {prompt}".encode())
    if number % 1_000 >= FAULT_SHARE * 1_000:
        return None
    kinds: Sequence[str] = ("slow", "drip") if number // 1_000 % WAITING == 0 else TRANSIENT + NUMBERS * vllm
    return kinds[number // (1_000 * WAITING) % len(kinds)]


def written(prompt: str) -> str:
    """A completion of the fake model: a label with some reasoning, genes, or now and then text without an answer."""
    number = crc32(prompt.encode())
    if number % 10 == 0:
        return "I cannot tell."
    if "Choose one of" in prompt:
        return f"<think>γδ or B? {number}</think>\n<answer>{answer_to(prompt, LABELS)}</answer>"
    genes = ("CD79A", "MS4A1", "CD3E", "NKG7", "LYZ", "IL7R", "STAT1", "B2M", "CD74", "GNLY")
    return f"<answer>{' '.join(genes[number % 7 :] + genes[: number % 7])}</answer>"


def _model(address: str) -> LanguageModel:
    return sd.models.load(f"endpoint:{address}", timeout=TIMEOUT, **OPTIONS)


class _Reports(logging.Handler):
    """Counts the reports of faults."""

    n, last = 0, ""

    def emit(self, record: logging.LogRecord) -> None:
        if "faults of the servers" in record.getMessage():
            self.n, self.last = self.n + 1, record.getMessage()
