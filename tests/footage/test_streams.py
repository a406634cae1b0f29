"""Streams over real sockets on the loopback interface."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench.errors import FootageError
from workbench.footage.streams import sample_stream
from workbench.workflows.ingest import ingest
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` over HTTP and yield ``host:port``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_camera(first_bytes: bytes = b"") -> Iterator[str]:
    """Accept connections, send ``first_bytes`` and then nothing more."""
    done = threading.Event()

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(first_bytes)
            done.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def test_a_stream_is_sampled_until_its_duration(make_clip: MakeClip) -> None:
    clip = make_clip("live.ts", frames=40)

    with served(clip.parent) as place:
        stills = list(sample_stream(f"http://{place}/live.ts", every_s=0.5, duration_s=2.0))

    assert [still.offset_s for still in stills] == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert all(still.jpeg.content.startswith(b"\xff\xd8") for still in stills)


def test_an_ingested_stream_names_no_credentials(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip("live.ts")

    with served(clip.parent) as place:
        url = f"http://ann:s3cret@{place}/live.ts?password=s3cret"
        report = ingest(workspace, url, site="yard", camera="gate", duration_s=2.0, actor="ann")

    assert (report.frames_found, report.frames_added, report.problems) == (2, 2, ())
    assert "live.ts" in report.clips[0].name
    assert "s3cret" not in repr(report)
    assert "s3cret" not in repr(workspace.store.audit.events())


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_never_sends_a_frame_is_given_up(scheme: str) -> None:
    with silent_camera() as place, pytest.raises(FootageError) as caught:
        list(sample_stream(f"{scheme}://ann:s3cret@{place}/1", every_s=1.0, duration_s=5.0, silence_s=1.0))

    assert f"{scheme}://{place}/1" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_camera_that_falls_silent_is_given_up_and_what_came_before_is_good(make_clip: MakeClip) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"

    with silent_camera(head + make_clip("live.ts", frames=80).read_bytes()) as place:
        stills = sample_stream(f"http://{place}/live.ts", every_s=1.0, duration_s=60.0, silence_s=3.0)
        first = [next(stills).offset_s for _ in range(3)]
        with pytest.raises(FootageError, match=place):
            list(stills)

    assert first == pytest.approx([0.0, 1.0, 2.0])


def test_a_stream_that_ends_early_is_a_problem_not_a_loss(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip("live.ts")

    with served(clip.parent) as place:
        url = f"http://{place}/live.ts"
        report = ingest(workspace, url, site="yard", camera="gate", duration_s=30.0, actor="ann")

    assert report.frames_added == 3
    assert report.problems == (f"{url} ended after 2.0 s of 30 s",)


def test_a_stream_that_is_not_there_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(FootageError, match="onnection refused") as caught:
        list(sample_stream(f"rtsp://ann:s3cret@127.0.0.1:{port}/1", every_s=1.0, duration_s=1.0))

    assert "s3cret" not in str(caught.value)
