"""What the package says on stderr, and to whom."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

import sc_duality as sd
from sc_duality._verbosity import Verbosity

#: A message of each level, in a fresh interpreter.
CODE = """
import logging, sc_duality as sd
sd.settings
{settings}
logger = logging.getLogger("sc_duality.tl")
logger.debug("a detail"); logger.info("a line"); logger.warning("a warning"); logger.error("an error")
"""


def said(settings: str = "", **environment: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE.format(settings=settings)],
        env={**__import__("os").environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stderr.splitlines()


def test_lines_and_warnings_are_shown_by_default() -> None:
    assert said() == ["a line", "a warning", "an error"]


@pytest.mark.parametrize(
    ("settings", "shown"), [("sd.settings.verbosity = 1", 2), ("sd.settings.verbosity = 'debug'", 4)]
)
def test_verbosity_chooses(settings: str, shown: int) -> None:
    assert len(said(settings)) == shown


def test_the_environment_chooses() -> None:
    assert said(SC_DUALITY_VERBOSITY="error") == ["an error"]


def test_a_program_that_configures_logging_gets_records_once() -> None:
    assert said("logging.basicConfig(format='%(name)s %(message)s')") == [
        f"sc_duality.tl {text}" for text in ("a line", "a warning", "an error")
    ]


def test_levels_have_the_names_and_numbers_of_scanpy() -> None:
    before = sd.settings.verbosity
    try:
        for level in Verbosity:
            for value in (level, int(level), level.name, level.name.upper()):
                sd.settings.verbosity = value  # type: ignore[assignment]
                assert sd.settings.verbosity is level
        assert logging.getLogger("sc_duality").level == logging.DEBUG
        for wrong in ("loud", 5, -1, True, None):
            with pytest.raises(ValueError, match="pass a number from 0 to 4, or one of error, warning"):
                sd.settings.verbosity = wrong  # type: ignore[assignment]
    finally:
        sd.settings.verbosity = before
