"""Servers on loopback that exports are pulled from: S3, SFTP, WebDAV, HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import asyncssh
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp

USER = "ilk"
CANARY = "c4n4ry-of-a-password"
"""In every key here; it must turn up nowhere."""


@contextmanager
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class SftpServer:
    """An SFTP server of one folder, which may break off in the middle of a file."""

    folder: Path
    port: int = 0
    host_key: asyncssh.SSHKey = field(
        default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519")
    )
    breaks_off: bool = False
    reads: int = 0

    @property
    def url(self) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}"

    def known_host(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"

    @contextmanager
    def running(self) -> Iterator["SftpServer"]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        acceptor = asyncio.run_coroutine_threadsafe(self._listen(), loop).result(10)
        self.port = acceptor.get_port()
        yield self
        loop.call_soon_threadsafe(acceptor.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        outer = self

        class Login(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, CANARY)

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
                super().__init__(channel, chroot=str(outer.folder))

            def read(self, file_obj: object, offset: int, size: int) -> bytes:
                outer.reads += 1
                if outer.breaks_off and offset:
                    self.channel.get_connection().abort()
                    raise asyncssh.SFTPConnectionLost("gone")
                return super().read(file_obj, offset, size)  # type: ignore[return-value]

        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.host_key],
            server_factory=Login,
            sftp_factory=Files,
        )


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def webdav_server(folder: Path) -> Iterator[str]:
    application = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": CANARY}}}},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = make_server("127.0.0.1", 0, application, _Threads, _Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dataclass
class WebServer:
    """Pages by path. HEAD is refused as by some servers of exports, but for `sizes`."""

    pages: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    """Paths whose answer breaks off after half of its bytes."""
    hangs: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator["WebServer"]:
        outer, may_go = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path in outer.hangs:
                    may_go.wait(30)
                    return
                if to := outer.moved.get(self.path):
                    self.send_response(307)
                    self.send_header("Location", to)
                    self.end_headers()
                    return
                page = outer.pages.get(self.path)
                status = outer.statuses.get(self.path, 200 if page is not None else 404)
                self.send_response(status)
                if self.path in outer.cut:
                    self.send_header("Content-Length", str(len(page or b"")))
                self.end_headers()
                body = page or b""
                self.wfile.write(body[: len(body) // 2] if self.path in outer.cut else body)

            def do_HEAD(self) -> None:
                size = outer.sizes.get(self.path)
                self.send_response(405 if size is None else 200)
                self.send_header("Content-Length", str(size or 0))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield self
        may_go.set()
        server.shutdown()
        server.server_close()
