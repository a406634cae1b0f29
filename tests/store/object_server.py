"""A real S3-compatible server (moto's) on loopback, and a line to it that breaks in the middle of an upload."""

import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from s3fs import S3FileSystem

from tests.services import free_port

ACCESS_KEY, SECRET_KEY = "AKIAWORKBENCHTESTS00", "the/tests+own/secret"
_STARTING_S = 120.0
_PIECE_BYTES = 4096


@contextmanager
def object_server() -> Iterator[str]:
    """Start the server and yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(port, process)
        S3FileSystem.clear_instance_cache()  # one of another test's server would be taken for this one's
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + _STARTING_S
    while time.monotonic() < give_up_at and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the S3 server did not start")


@contextmanager
def breaking_line(server_url: str, *, after_bytes: int) -> Iterator[str]:
    """Yield a URL that leads to the server, but each connection breaks after so many bytes were sent over it."""
    host, port = server_url.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_relay, args=(client, (host, int(port)), after_bytes), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _relay(client: socket.socket, server: tuple[str, int], left_bytes: int) -> None:
    with client, socket.create_connection(server) as upstream, selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_READ, upstream)
        ready.register(upstream, selectors.EVENT_READ, client)
        while True:
            for key, _ in ready.select():
                piece = key.fileobj.recv(_PIECE_BYTES)
                if key.fileobj is client:
                    piece = piece[:left_bytes]
                    left_bytes -= len(piece)
                if not piece:
                    return
                key.data.sendall(piece)
