"""The model that servers serve, and what they support."""

from __future__ import annotations

import json
from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openai import APIConnectionError, APIStatusError

from ._address import Address, is_transient


class Served(NamedTuple):
    """A model under its name on the servers."""

    model: str
    #: Whether all servers are vLLM, which gives log-likelihoods and token ids.
    is_vllm: bool
    #: Where vLLM loaded the weights from, else the address of the server.
    origin: str
    #: Whether the model has a chat template; ``None`` if the server does not say.
    has_template: bool | None


async def find_served(addresses: Sequence[Address], requested: str | None) -> Served:
    """Look up the one model that all servers serve.

    Raises
    ------
    ConnectionError
        If no server answers.
    PermissionError
        If a server refuses the key.
    ValueError
        If a server that lists its models does not list the requested one, if it serves several and none is
        ``requested``, or if servers serve different models.
    """
    results = await gather(*(_models(address) for address in addresses))
    online = [(address, cards) for address, cards in zip(addresses, results, strict=True) if not isinstance(cards, str)]
    if not online:
        reasons = "; ".join(f"{address.url}: {reason}" for address, reason in zip(addresses, results, strict=True))
        raise ConnectionError(f"no server answers ({reasons}). Is it running, and is the address right?")
    names = {requested or _only(address, cards) for address, cards in online}
    if len(names) > 1:
        raise ValueError(f"the servers serve different models, {', '.join(sorted(names))}: pass servers of one model")
    model = names.pop()
    vllm = [cards for _, cards in online if _is_vllm(cards)]
    for address, cards in online:
        if cards and model not in cards and f"{model}:latest" not in cards:  # Ollama's default tag
            raise ValueError(f"{address.url} serves {_list(cards)}, not {model!r}: write #name of one of these")
    if len(vllm) < len(online):
        return Served(model, False, ",".join(address.url for address in addresses), None)
    return Served(
        model, True, str(vllm[0][model].get("root")), await _has_template([address for address, _ in online], model)
    )


async def _models(address: Address) -> dict[str, Mapping[str, Any]] | str:
    """The models of a server by name, or the reason why there is no list."""
    try:
        answer = json.loads(await address.get("/models"))
        return {card["id"]: card for card in answer["data"]}
    except APIConnectionError as error:
        return address.clean(str(error.__cause__ or error))
    except APIStatusError as error:
        if error.status_code in (401, 403):
            raise PermissionError(
                f"{address.url} refuses the key (HTTP {error.status_code}): pass api_key= or set SC_DUALITY_API_KEY"
            ) from None
        # Some servers have no list of models; other errors are faults.
        return {} if error.status_code in (404, 405) else f"HTTP {error.status_code}"
    except (ValueError, TypeError, LookupError, RecursionError):
        return "an unreadable response"


def _only(address: Address, cards: Mapping[str, Any]) -> str:
    if len(cards) != 1:
        raise ValueError(f"{address.url} serves {_list(cards)}: write #name of one of them after the address")
    return next(iter(cards))


def _list(cards: Mapping[str, Any]) -> str:
    return ", ".join(sorted(cards)[:20]) + (", ..." if len(cards) > 20 else "") or "no model in its list"


def _is_vllm(cards: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(cards) and all(card.get("owned_by") == "vllm" for card in cards.values())


async def _has_template(addresses: Sequence[Address], model: str) -> bool | None:
    """Whether vLLM can turn messages into a prompt; a fault of a server does not decide how prompts are sent."""
    body = {"model": model, "messages": [{"role": "user", "content": "?"}]}
    faults = []
    for address in addresses:
        try:
            list(json.loads(await address.post(f"{address.root}/tokenize", body))["tokens"])
        except APIStatusError as error:
            if is_transient(error.status_code):
                faults.append(f"{address.url}: HTTP {error.status_code}")
                continue
            return False if error.status_code == 400 else None
        except (APIConnectionError, TimeoutError) as error:
            faults.append(f"{address.url}: {address.clean(str(error.__cause__ or error))}")
            continue
        except (ValueError, TypeError, LookupError, RecursionError):
            faults.append(f"{address.url}: an unreadable response")
            continue
        return True
    raise ConnectionError(f"no server answers ({'; '.join(faults)}). Try again")
