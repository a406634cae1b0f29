"""Small HTTP cameras on the loopback interface: they show pictures, fall silent, break off or serve files."""

import io
import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.footage.conftest import picture

TS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def _serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` over HTTP and yield ``host:port``."""
    with _serving(partial(_Quiet, directory=str(folder))) as place:
        yield place


@contextmanager
def growing_playlist(playlist: Path, *begins: int | None) -> Iterator[str]:
    """Serve the recorded HLS ``playlist`` as a live one: each look at it finds three segments from the next begin on.

    None: it cannot be had. The last begin goes for all looks that follow. The last segment says that it is the last.
    """
    head, *segments = re.split("(?=#EXTINF)", playlist.read_text())
    looks = itertools.chain(begins, itertools.repeat(begins[-1]))

    class Camera(_Quiet):
        def do_GET(self) -> None:
            if self.path != f"/{playlist.name}":
                super().do_GET()
            elif (first := next(looks)) is None:
                self.send_error(404)
            else:
                listed = head.replace("SEQUENCE:0", f"SEQUENCE:{first}") + "".join(segments[first : first + 3])
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.apple.mpegurl")
                self.send_header("Content-Length", str(len(listed)))
                self.end_headers()
                self.wfile.write(listed.encode())

    with _serving(partial(Camera, directory=str(playlist.parent))) as place:
        yield place


@contextmanager
def jpeg_camera(*connections: int | None, pause_s: float = 0.1) -> Iterator[str]:
    """Yield the place of a multipart JPEG camera that shows so many pictures to each connection; None: 404.

    The last one goes for all that follow.
    """
    shows = itertools.chain(connections, itertools.repeat(connections[-1]))
    off = threading.Event()

    class Camera(_Quiet):
        def do_GET(self) -> None:
            if (count := next(shows)) is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for index in range(count):
                buffer = io.BytesIO()
                picture(index).save(buffer, "JPEG")
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {buffer.tell()}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + buffer.getvalue() + b"\r\n")
                except OSError:
                    return
                if off.wait(pause_s):
                    return

    with _serving(Camera) as place:
        try:
            yield place
        finally:
            off.set()


@contextmanager
def silent_camera(first_bytes: bytes = b"") -> Iterator[str]:
    """Accept connections, send ``first_bytes`` to the first and then nothing more."""
    done = threading.Event()

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(first_bytes)
            done.wait(600)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


@contextmanager
def breaking_camera(content: bytes) -> Iterator[str]:
    """Yield the place of a recording that announces twice what it sends."""

    class Breaking(_Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.send_header("Content-Length", str(2 * len(content)))
            self.end_headers()
            self.wfile.write(content)

    with _serving(Breaking) as place:
        yield place
