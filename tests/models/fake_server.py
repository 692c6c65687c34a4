"""A small HTTP server that has enough of the OpenAI API, as vLLM or as a hosted provider, and fails on request."""

import json
import socket
import time
from collections import Counter, defaultdict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from zlib import crc32

#: Transient faults. "slow" needs a client that waits for less than `FakeServer.slow`.
TRANSIENT = ["408", "409", "429", "500", "503", "half", "empty", "html", "shapeless", "closed", "cut", "aborted"]


def answer_to(prompt, choices=()):
    """Completion of the server's model."""
    return choices[crc32(prompt.encode()) % len(choices)] if choices else f"the answer to {prompt}"


def log_likelihood(context, token):
    """Log-likelihood of the server's model: not normalized, but a different number for each token and context."""
    return -(crc32(repr((list(context), token)).encode()) % 10_000) / 1_000


def when(condition, action):
    """Run an action in the background as soon as a condition holds."""

    def wait():
        while not condition():
            time.sleep(0.002)
        action()

    Thread(target=wait, daemon=True).start()


class FakeServer(ThreadingHTTPServer):
    """Responds at ``address`` while it is open.

    Parameters
    ----------
    vllm
        Whether to be vLLM: with token ids, log-likelihoods and structured outputs.
    template
        Whether the model has a chat template.
    port
        Port; any free one by default.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *, vllm=True, template=False, models=("served",), port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.vllm, self.template, self.models = vllm, template, models
        #: Faults by prompt, each of which happens once, or every time if the last one is "always".
        self.faults = defaultdict(list)
        self.key, self.retry_after, self.delay, self.slow, self.limit = None, "0", 0.0, 5.0, 10_000
        #: Completions without choices.
        self.writes = answer_to
        #: Number of requests and of answers by prompt.
        self.sent, self.answered = Counter(), Counter()
        self.bodies, self.times, self.max_concurrent, self._now = [], [], 0, 0
        self._token_ids, self._lock, self._open = {}, Lock(), []
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self.server_address[1]

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End like a crash: no request in progress gets a response."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self):
        connection, client = super().get_request()
        self._open.append(connection)
        return connection, client

    def handle_error(self, request, client_address):
        """Ignore connections that clients closed."""

    def ids(self, text):
        with self._lock:
            return [self._token_ids.setdefault(word, len(self._token_ids) + 10) for word in text.split()]

    def text(self, ids):
        tokens = {number: token for token, number in self._token_ids.items()}
        return " ".join(tokens[number] for number in ids if number in tokens)

    def started(self, body, prompts):
        with self._lock:
            self._now += 1
            self.max_concurrent = max(self.max_concurrent, self._now)
            self.times.append(time.monotonic())
            self.bodies.append(body)
            self.sent.update(prompts)

    def ended(self, prompts):
        with self._lock:
            self._now -= 1
            self.answered.update(prompts)

    def fault(self, prompts):
        with self._lock:
            for prompt in prompts:
                order = self.faults[prompt]
                if order:
                    return order[0] if order[-1] == "always" else order.pop(0)
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Header and body are sent together; else the client waits 40 ms for the body.
    wbufsize = -1
    server: FakeServer

    def log_message(self, *_):
        """Log nothing."""

    def do_GET(self):
        if self._allowed():
            owner = "vllm" if self.server.vllm else "somebody"
            cards = [{"id": name, "owned_by": owner, "root": f"/weights/{name}"} for name in self.server.models]
            self._send(200, {"object": "list", "data": cards})

    def do_POST(self):
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
        done = []
        try:
            time.sleep(self.server.delay)
            fault = self.server.fault(prompts)
            if fault is None or fault == "aborted":
                self._answer(body, prompts, fault)
                done = prompts if fault is None else []
            else:
                self._fail(fault, body)
        finally:
            self.server.ended(done)

    def _allowed(self):
        if self.server.key is None or self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return True
        self._error(401, f"wrong key in {self.headers.get('Authorization')}")
        return False

    def _prompts(self, body):
        """The prompts of a request as texts."""
        if self.path == "/v1/chat/completions":
            return [body["messages"][0]["content"]]
        if self.path == "/v1/completions":
            prompt = body["prompt"]
            many = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
            return [one if isinstance(one, str) else self.server.text(one) for one in many]
        return None

    def _tokenize(self, body):
        if "messages" in body and not self.server.template:
            self._error(400, "you must provide a chat template")
        elif "messages" in body:
            self._send(200, {"tokens": [1, *self.server.ids(body["messages"][0]["content"]), 2], "token_strs": None})
        elif body["prompt"] == "unheard":
            self._send(200, {"tokens": [3], "token_strs": ["<unk>"]})
        else:
            start = [0] if body.get("add_special_tokens", True) else []
            self._send(200, {"tokens": [*start, *self.server.ids(body["prompt"])], "token_strs": None})

    def _answer(self, body, prompts, fault):
        longest = max(len(prompt.split()) for prompt in prompts)
        if longest > self.server.limit:
            self._error(400, f"This model's maximum context length is {self.server.limit} tokens")
            return
        given = body.get("prompt") or prompts
        many = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        pairs = zip(prompts, many, strict=True)
        choices = [self._choice(i, prompt, one, body) for i, (prompt, one) in enumerate(pairs)]
        for choice in choices:
            choice["finish_reason"] = "abort" if fault else "stop"
        usage = {"prompt_tokens": 10 * len(prompts), "completion_tokens": 5 * len(prompts)}
        # Servers may answer in any order.
        self._send(200, {"choices": choices[::-1], "usage": usage})

    def _choice(self, index, prompt, given, body):
        ids = [0, *self.server.ids(given)] if isinstance(given, str) else given
        if "messages" in body:
            return {"index": index, "message": {"role": "assistant", "content": self._write(prompt, body)}}
        choice = {"index": index, "text": self._write(prompt, body)}
        if body.get("return_token_ids"):
            choice["prompt_token_ids"] = ids
        if tokens := body.get("logprob_token_ids"):
            assert len(tokens) <= 128
            found = {f"token_id:{token}": log_likelihood(ids, token) for token in tokens}
            choice["logprobs"] = {"top_logprobs": [found]}
        if body.get("prompt_logprobs") is not None:
            found = [{str(ids[i]): {"logprob": log_likelihood(ids[:i], ids[i])}} for i in range(1, len(ids))]
            choice["prompt_logprobs"] = [None, *found]
        return choice

    def _write(self, prompt, body):
        if self.server.vllm and "structured_outputs" in body:
            return answer_to(prompt, body["structured_outputs"]["choice"])
        if "response_format" in body:
            enum = body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
            return json.dumps({"answer": answer_to(prompt, enum)})
        return self.server.writes(prompt)

    def _fail(self, fault, body):
        if fault == "quota":
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
            }[fault]
            self._send(200, sent, length=len(sent) + (1_000 if fault == "cut" else 0))
            self.close_connection = fault == "cut"

    def _error(self, status, message):
        self._send(status, {"error": {"message": message, "type": "fault", "code": status}})

    def _send(self, status, answer, length=None):
        sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent) if length is None else length))
        if status in (429, 503):
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(sent)
