"""How a fake server responds: as vLLM or as a hosted provider, or with a fault."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from benchmarks._fake_server import FakeServer

#: Transient faults. "slow" needs a client that waits for less than `FakeServer.slow`.
TRANSIENT = [
    *("408", "409", "429", "429 nan", "429 none", "500", "502", "503", "half", "empty", "html", "shapeless", "nested"),
    *("closed", "reset", "cut", "aborted", "filtered", "no choices", "bytes"),
]
#: Transient faults of responses with log-likelihoods.
NUMBERS = ["no numbers", "same index"]


def answer_to(prompt: str, choices: Sequence[str] = ()) -> str:
    """Completion of the server's model."""
    return choices[crc32(prompt.encode()) % len(choices)] if choices else f"the answer to {prompt}"


def log_likelihood(context: Sequence[int], token: int) -> float:
    """Log-likelihood of the server's model: not normalized, but a different number for each token and context."""
    return -(crc32(repr((list(context), token)).encode()) % 10_000) / 1_000


#: Faults of an answer that the server has computed, and what it says of the end of the text.
_REASONS = {"aborted": "abort", "filtered": "content_filter"}
_IN_ANSWERS = {*_REASONS, "bytes", "drip", *NUMBERS}


class Handler(BaseHTTPRequestHandler):
    """Responds to one connection."""

    protocol_version = "HTTP/1.1"
    # Header and body are sent together; else the client waits 40 ms for the body.
    wbufsize = -1
    server: FakeServer

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        if self._allowed():
            owner = "vllm" if self.server.vllm else "somebody"
            cards = [{"id": name, "owned_by": owner, "root": f"/weights/{name}"} for name in self.server.models]
            self._send(200, {"object": "list", "data": cards})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed():
            return
        if self.path == "/tokenize" and self.server.vllm:
            self._tokenize(body)
            return
        prompts = self._prompts(body)
        if prompts is None:
            self._send(404, {"detail": "Not Found"})
            return
        self.server.started(body, prompts)
        done: Sequence[str] = []
        try:
            time.sleep(self.server.delay)
            fault = self.server.fault(prompts)
            if fault is None or fault in _IN_ANSWERS:
                self._answer(body, prompts, fault)
                done = prompts if fault is None else []
            else:
                self._fail(fault)
        finally:
            self.server.ended(done)

    def _allowed(self) -> bool:
        if self.server.key is None or self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return True
        self._error(401, f"wrong key in {self.headers.get('Authorization')}")
        return False

    def _prompts(self, body: dict[str, Any]) -> list[str] | None:
        """The prompts of a request as texts."""
        if self.path == "/v1/chat/completions":
            return [body["messages"][0]["content"]]
        if self.path == "/v1/completions":
            prompt = body["prompt"]
            many = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
            return [one if isinstance(one, str) else self.server.text(one) for one in many]
        return None

    def _tokenize(self, body: dict[str, Any]) -> None:
        text = body["messages"][0]["content"] if "messages" in body else body["prompt"]
        self.server.tokenized.update([path := f"/tokenize {text}"])
        fault = self.server.fault([path])
        if fault is not None:
            self._fail("no choices" if fault in _IN_ANSWERS else fault)
        elif "messages" in body and not self.server.template:
            self._error(400, "you must provide a chat template")
        elif "messages" in body:
            self._send(200, {"tokens": [1, *self.server.ids(body["messages"][0]["content"]), 2], "token_strs": None})
        elif body["prompt"] == "unheard":
            self._send(200, {"tokens": [3], "token_strs": ["<unk>"]})
        else:
            start = [0] if body.get("add_special_tokens", True) else []
            self._send(200, {"tokens": [*start, *self.server.ids(body["prompt"])], "token_strs": None})

    def _answer(self, body: dict[str, Any], prompts: list[str], fault: str | None) -> None:
        longest = max(len(prompt.split()) for prompt in prompts)
        if longest > self.server.limit:
            self._error(400, f"This model's maximum context length is {self.server.limit} tokens")
            return
        given = body.get("prompt") or prompts
        many = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        pairs = zip(prompts, many, strict=True)
        choices = [self._choice(i, prompt, one, body) for i, (prompt, one) in enumerate(pairs)]
        for choice in choices:
            choice["finish_reason"] = _REASONS.get(fault or "", "stop")
            if fault == "filtered" and "message" in choice:
                text = choice["message"]["content"]
                choice["message"]["content"] = text[: len(text) // 2]
            elif fault == "filtered":
                choice["text"] = choice["text"][: len(choice["text"]) // 2]
            elif fault == "no numbers":
                choice["logprobs"] = choice["prompt_logprobs"] = None
            elif fault == "same index":
                choice["index"] = 1
        usage = {"prompt_tokens": 10 * len(prompts), "completion_tokens": 5 * len(prompts)}
        # Servers may answer in any order.
        answer: Any = {"choices": choices[::-1], "usage": usage}
        if fault == "bytes":
            answer = json.dumps(answer, ensure_ascii=False).encode().replace(b'"text": "', b'"text": "\xff')
            answer = answer.replace(b'"content": "', b'"content": "\xff')
        self._send(200, answer, drip=fault == "drip")

    def _choice(self, index: int, prompt: str, given: Any, body: dict[str, Any]) -> dict[str, Any]:
        ids = [0, *self.server.ids(given)] if isinstance(given, str) else given
        if "messages" in body:
            return {"index": index, "message": {"role": "assistant", "content": self._write(prompt, body)}}
        choice: dict[str, Any] = {"index": index, "text": self._write(prompt, body)}
        if body.get("return_token_ids"):
            choice["prompt_token_ids"] = ids
        if tokens := body.get("logprob_token_ids"):
            assert len(tokens) <= 128
            found = {f"token_id:{token}": log_likelihood(ids, token) for token in tokens}
            choice["logprobs"] = {"top_logprobs": [found]}
        if body.get("prompt_logprobs") is not None:
            known = [{str(ids[i]): {"logprob": log_likelihood(ids[:i], ids[i])}} for i in range(1, len(ids))]
            choice["prompt_logprobs"] = [None, *known]
        return choice

    def _write(self, prompt: str, body: dict[str, Any]) -> str:
        if self.server.vllm and "structured_outputs" in body:
            return answer_to(prompt, body["structured_outputs"]["choice"])
        if "response_format" in body:
            enum = body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
            return json.dumps({"answer": answer_to(prompt, enum)})
        return self.server.writes(prompt)

    def _fail(self, fault: str) -> None:
        if fault.startswith("429 "):
            self._error(429, f"fault {fault} on request", retry_after=fault.removeprefix("429 "))
        elif fault == "reset":
            # Without the closing handshake of TCP.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif fault == "quota":
            self._send(429, {"error": {"message": "no quota left", "code": "insufficient_quota"}})
        elif fault.isdigit():
            self._error(int(fault), f"fault {fault} on request")
        elif fault == "slow":
            time.sleep(self.server.slow)
            self.close_connection = True
        elif fault == "closed":
            self.close_connection = True
        else:
            sent = {
                "half": b'{"choices": [{"index": 0, "message": {"con',
                "empty": b"",
                "html": b"<html>Bad gateway</html>",
                "shapeless": b'{"error": "something went wrong"}',
                "cut": b'{"choices": []}',
                "nested": b"[" * 100_000,
                "no choices": b'{"choices": []}',
            }[fault]
            self._send(200, sent, length=len(sent) + (1_000 if fault == "cut" else 0))
            self.close_connection = fault == "cut"

    def _error(self, status: int, message: str, retry_after: str | None = None) -> None:
        body = {"error": {"message": message, "type": "fault", "code": status}}
        self._send(status, body, retry_after=retry_after or self.server.retry_after)

    def _send(
        self, status: int, answer: Any, length: int | None = None, *, drip: bool = False, retry_after: str = "0"
    ) -> None:
        sent = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        # As some servers write it; JSON is UTF-8 whatever the header says.
        self.send_header("Content-Type", self.server.content_type)
        self.send_header("Content-Length", str(len(sent) if length is None else length))
        if status in (429, 503) and retry_after != "none":
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        if drip:  # a part often enough for clients that limit the time between two parts
            for i in range(10):
                self.wfile.write(sent[i : i + 1])
                self.wfile.flush()
                time.sleep(self.server.slow / 10)
            sent = sent[10:]
        self.wfile.write(sent)
