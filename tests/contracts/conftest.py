"""What holds for every tool is tested with the fixtures of the tools."""

from tests.tl.conftest import cells, quiet, scripted_model

__all__ = ["cells", "quiet", "scripted_model"]
