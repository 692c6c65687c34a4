"""Models on the Hugging Face hub: whether it can be reached, and what to do where it cannot."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import constants

from .._spec import ModelSpec

#: Seconds to wait for the hub.
_TIMEOUT = 3.0


def source_options(spec: ModelSpec) -> dict[str, Any]:
    """Options of ``from_pretrained``: the commit, and only files on this machine where the hub cannot be reached."""
    on_hub = not Path(spec.source).is_dir()
    return {"revision": spec.revision, "local_files_only": on_hub and not _hub_answers()}


@contextmanager
def explain_download_errors(spec: ModelSpec) -> Iterator[None]:
    """Say what to download, and how, where a model cannot be loaded."""
    try:
        yield
    except OSError as error:
        revision = f" --revision {spec.revision}" if spec.revision else ""
        offline = not Path(spec.source).is_dir() and not _hub_answers()
        unreachable = f"{constants.ENDPOINT} cannot be reached, and this machine lacks files of the model"
        cause = f"{unreachable} ({error})" if offline else error
        raise OSError(
            f"cannot load the model {spec.source!r}: {cause}\nIf this machine is offline, download it elsewhere "
            f"(hf download {spec.source}{revision}) and pass the folder as model="
        ) from error


@cache
def _hub_answers() -> bool:
    """Whether the hub can be reached; transformers would try for a minute."""
    if constants.HF_HUB_OFFLINE:
        return False
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True  # only the proxy can tell
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname, port), timeout=_TIMEOUT).close()
    except OSError:
        return False
    return True
