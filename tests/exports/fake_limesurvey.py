"""LimeSurvey's RemoteControl 2 on loopback: answers of the shapes that a 6.4.2 was recorded with.

What a test wants broken it puts into `faults`: by method, functions that get the answer (a dict of
JSON-RPC) and return the bytes, text or dict to send instead, used up one a call.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEADER = ["id", "submitdate", "lastpage", "startlanguage", "seed", "unit", "q1"]


@dataclass
class FakeLimeSurvey:
    """One survey, 265831, and who may log in."""

    url: str = ""
    password: str = "rahasia & 100%"
    responses: dict[int, list[str]] = field(default_factory=dict)
    """Cells after the id, by id."""
    header: list[str] = field(default_factory=lambda: list(HEADER))
    is_active: bool = True
    is_switched_on: bool = True
    faults: dict[str, list[Callable[[dict], Any]]] = field(default_factory=dict)
    calls: list[tuple] = field(default_factory=list)
    """Method and parameters of each call, without the key."""
    keys: set[str] = field(default_factory=set)

    def add(self, *numbers: int, score: str = "4") -> None:
        for number in numbers:
            submitted = "" if number % 10 == 0 else "2025-12-01 08:00:00"  # each tenth is partial
            self.responses[number] = [submitted, "3", "id", "1", f"A;\n{number} é", score]

    def answer(self, method: str, params: list) -> Any:
        if method == "get_session_key":
            if params[1] != self.password:
                return {"status": "Invalid user name or password"}
            self.keys.add(key := f"key{len(self.calls)}")
            return key
        key, *params = params
        if key not in self.keys:
            return {"status": "Invalid session key"}
        if method == "release_session_key":
            self.keys.discard(key)
            return "OK"
        is_known = str(params[0]) == "265831"
        if method == "get_summary":
            if not is_known:
                return {"status": "Invalid surveyid"}
            count = len(self.responses)
            return {"token_count": 0, "full_responses": str(count)} if self.is_active else []
        assert method == "export_responses"
        return self._export(*params) if is_known else {"status": "No permission"}

    def _export(self, survey, kind, language, completion, headings, answers, first, last,
                fields=None) -> Any:  # fmt: skip
        assert (kind, language, completion, headings, answers) == (
            "csv", None, "all", "code", "short")  # fmt: skip
        if not self.is_active:
            return {"status": "No Data, survey table does not exist."}
        if not self.responses:
            return {"status": "No Data, could not get max id."}
        highest = last or max(self.responses)
        numbers = [n for n in sorted(self.responses) if (first or 1) <= n <= highest]
        rows = [[str(number), *self.responses[number]] for number in numbers]
        places = [self.header.index(name) for name in fields or self.header]
        lines = [
            ";".join('"' + row[place].replace('"', '""') + '"' for place in places)
            for row in [self.header, *rows]
        ]
        text = "\ufeff" + "\r\n".join(lines) + "\r\n\r\n" if rows else ""
        return base64.b64encode(text.encode()).decode()


@contextmanager
def served(fake: FakeLimeSurvey) -> Iterator[FakeLimeSurvey]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, params = asked["method"], asked["params"]
            key_first = method != "get_session_key"
            fake.calls.append((method, *(params[1:] if key_first else [])))
            answer: Any = {"id": asked["id"], "result": fake.answer(method, params), "error": None}
            if fake.faults.get(method):
                answer = fake.faults[method].pop(0)(answer)
            if not fake.is_switched_on:
                answer = b""
            status, headers = 200, {}
            if isinstance(answer, tuple):
                status, headers, answer = answer
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # who asked waits no longer
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/index.php/admin/remotecontrol"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
