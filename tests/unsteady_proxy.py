"""A way to Label Studio on which answers get lost: requests are carried out, or not, and nobody hears of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

__all__ = ["Fate", "unsteady"]


class Fate(Enum):
    """What becomes of a request."""

    ANSWERED = auto()
    UNHEARD = auto()
    """It never arrives."""
    UNANSWERED = auto()
    """It is carried out, and the answer is lost."""


@contextmanager
def unsteady(url: str, fate: Callable[[str, str], Fate]) -> Iterator[str]:
    """Yield a URL that leads to ``url`` and that does to each request, by method and path, what ``fate`` says."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            what = fate(self.command, self.path)
            if what is not Fate.UNHEARD:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = httpx.request(self.command, url + self.path, content=body, headers=headers, timeout=120)
            if what is Fate.ANSWERED:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", "application/json"))
                self.send_header("Date", answer.headers["date"])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)
            self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815  the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
