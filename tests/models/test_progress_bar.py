"""The bar of a tool moves with its requests, and that of a request stands alone without a tool."""

import pytest

import sc_duality as sd
from sc_duality.models.engines import tool_bar
from sc_duality.models.engines._progress_bar import request_bar


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    monkeypatch.setattr(sd.settings, "progress", True)


def test_a_request_alone_counts_its_prompts(capsys):
    with request_bar(6, 4, 1, "scoring", hidden=False) as bar:
        bar.update(3, "12 tokens")
    assert "scoring: 100%|██████████| 4/4 [" in (text := capsys.readouterr().err)
    assert "12 tokens" in text


def test_requests_move_the_bar_of_their_tool(capsys):
    with tool_bar(30, "annotation") as tool:
        tool.begin(0, 20, 40)  # two prompts a cell
        with request_bar(20, 10, 5, "scoring", hidden=False) as bar:
            assert tool.bar.n == 5  # stored answers count
            bar.update(5, "")
        assert tool.bar.n == 10
        with request_bar(100, 100, 0, "scoring", hidden=False) as bar:
            bar.update(100, "")
        assert tool.bar.n == 20, "more requests than expected end with the block"
        with request_bar(5, 5, 0, "scoring", hidden=True) as bar:
            bar.update(5, "")
        tool.begin(20, 30, 10)
        assert tool.bar.n == 20
        tool.begin(30, 30, 1)
    text = capsys.readouterr().err
    assert "annotation: 100%|██████████| 30/30 [" in text
    assert "scoring" not in text


def test_a_closed_bar_is_forgotten(capsys):
    with pytest.raises(KeyboardInterrupt), tool_bar(3, "annotation"):
        raise KeyboardInterrupt
    with request_bar(1, 1, 0, "scoring", hidden=False) as bar:
        bar.update(1, "")
    assert "scoring: 100%" in capsys.readouterr().err
