"""Streams over real sockets on the loopback interface: a real RTSP server, and small HTTP cameras."""

import io
import itertools
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageOps, ImageStat

from tests.footage.conftest import picture
from tests.rtsp_server import RtspServer
from workbench.errors import FootageError
from workbench.footage.pictures import Jpeg
from workbench.footage.streams import (
    PATIENCE,
    LiveStill,
    StreamKind,
    StreamPatience,
    StreamState,
    probe_stream,
    sample_stream,
)
from workbench.workflows.ingest import ingest
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]

TS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"
QUICK = StreamPatience(silence_s=5.0, start_s=300.0, first_retry_s=0.5, longest_retry_s=4.0, first_frame_s=0.0)
RETRYING = ["connecting", "live", "waiting", "connecting", "live", "ended"]


@pytest.fixture
def camera() -> Iterator[RtspServer]:
    with RtspServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_reader_is_left() -> Iterator[None]:
    yield
    assert readers() == []


def readers(of: psutil.Process | None = None) -> list[psutil.Process]:
    children = (of or psutil.Process()).children(recursive=True)
    return [child for child in children if "read_for_parent" in " ".join(child.cmdline())]


def kinds(states: Iterable[StreamState]) -> list[str]:
    return [state.kind.value for state in states]


def told_once(states: Iterable[StreamState]) -> list[str]:
    """The kinds of states, of which the tries that failed are left out."""
    return re.sub(r"(waiting connecting )+", "waiting connecting ", " ".join(kinds(states))).split()


def grey(jpeg: Jpeg) -> float:
    return ImageStat.Stat(Image.open(io.BytesIO(jpeg.content)).convert("L")).mean[0]


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` over HTTP and yield ``host:port``."""
    with serving(partial(_Quiet, directory=str(folder))) as place:
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

    with serving(Camera) as place:
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


def test_a_camera_is_sampled_until_its_duration(camera: RtspServer) -> None:
    states: list[StreamState] = []
    url = camera.url("/live")
    stills = list(sample_stream(url, every_s=0.5, duration_s=3.0, patience=QUICK, on_state=states.append))
    offsets_s = [still.offset_s for still in stills]

    assert offsets_s[0] == 0
    assert offsets_s == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], abs=0.2)
    assert len({round(grey(still.jpeg), 1) for still in stills}) == len(stills)
    assert {still.jpeg.size_wh for still in stills} == {(320, 180)}
    assert kinds(states) == ["connecting", "live", "ended"]
    assert states[-1].reason == "3 s have been seen."


def test_a_camera_that_was_cut_off_is_found_again_and_its_gap_is_a_gap(camera: RtspServer) -> None:
    states: list[StreamState] = []
    gone_s: list[float] = []

    def watch(state: StreamState) -> None:
        states.append(state)
        if kinds(states).count("waiting") == 4 and len(gone_s) == 1:
            gone_s.append(time.monotonic())
            camera.start()

    seen: list[LiveStill] = []
    after = 0
    with closing(sample_stream(camera.url("/live"), every_s=0.5, patience=QUICK, on_state=watch)) as stills:
        for still in stills:
            seen.append(still)
            if len(seen) == 3:
                camera.kill()
                gone_s.append(time.monotonic())
            after += bool(states[-1].reconnects)
            if after == 3:
                break
    offsets_s = [still.offset_s for still in seen]
    gaps_s = [later - sooner for sooner, later in itertools.pairwise(offsets_s)]
    waits = [state for state in states if state.kind is StreamKind.WAITING]

    assert min(gaps_s) > 0
    assert max(gaps_s) > gone_s[1] - gone_s[0] - 2.0
    assert told_once(states) == RETRYING
    assert [state.retry_in_s for state in waits[:5]] == [0.5, 1.0, 2.0, 4.0, 4.0][: len(waits)]
    assert waits[1].reason == "Connection refused."
    assert [state.since for state in states] == sorted(state.since for state in states)
    assert states[-1].reconnects == 1
    assert states[-1].reason == "Stopped."


def test_a_camera_that_freezes_is_connected_again_when_it_thaws(camera: RtspServer) -> None:
    states: list[StreamState] = []

    def watch(state: StreamState) -> None:
        states.append(state)
        if kinds(states).count("waiting") == 2:
            camera.thaw()

    with closing(sample_stream(camera.url("/live"), every_s=0.5, patience=QUICK, on_state=watch)) as stills:
        before = next(stills)
        camera.freeze()
        after = next(still for still in stills if states[-1].reconnects)

    assert after.offset_s - before.offset_s > QUICK.silence_s
    assert told_once(states) == RETRYING
    assert next(state.reason for state in states if state.kind is StreamKind.WAITING) == "No picture for 5 s."


def test_a_reader_that_hangs_is_replaced(camera: RtspServer) -> None:
    states: list[StreamState] = []
    url = camera.url("/live")
    with closing(sample_stream(url, every_s=0.5, patience=QUICK, on_state=states.append)) as stills:
        next(stills)
        (hung,) = readers()
        hung.suspend()
        next(still for still in stills if states[-1].reconnects)
        (reader,) = readers()

        assert reader.pid != hung.pid
        assert not hung.is_running()
    assert told_once(states) == RETRYING


def test_a_slow_consumer_loses_the_oldest_stills_and_not_the_camera(camera: RtspServer) -> None:
    states: list[StreamState] = []
    patience = replace(QUICK, waiting_stills=2)
    url = camera.url("/live")
    with closing(sample_stream(url, every_s=0.1, patience=patience, on_state=states.append)) as stills:
        next(stills)
        time.sleep(patience.silence_s + 2)
        late = [next(stills) for _ in range(2)]

    assert late[0].offset_s > 1.0
    assert late[1].offset_s > late[0].offset_s
    assert states[-1].stills_dropped > 2
    assert set(kinds(states)) == {"connecting", "live", "ended"}
    assert states[-1].reconnects == 0


def test_a_wrong_password_an_unknown_path_and_sound_alone_are_told_at_once() -> None:
    with RtspServer("ann", "s3cret") as camera:
        for userinfo, path, found in (
            ("ann:wr0ng@", "/live", "that user and password are refused"),
            ("", "/live", "that user and password are refused"),
            ("ann:s3cret@", "/no-such-path", "no stream of this path"),
            ("ann:s3cret@", "/sound", "a video stream"),
        ):
            states: list[StreamState] = []
            url = camera.url(path, userinfo=userinfo)
            with pytest.raises(FootageError, match=found) as of_sampling:
                next(sample_stream(url, every_s=1.0, patience=PATIENCE, on_state=states.append))
            with pytest.raises(FootageError, match=found) as of_probing:
                probe_stream(url, timeout_s=300.0)

            assert kinds(states) == ["connecting", "ended"]
            assert states[-1].reason == str(of_sampling.value) == str(of_probing.value)
            assert camera.url(path) in str(of_sampling.value)
            assert not re.search("s3cret|wr0ng|ann:", str(of_sampling.value))


def test_credentials_show_neither_among_processes_nor_in_states(capfd: pytest.CaptureFixture[str]) -> None:
    states: list[StreamState] = []
    with RtspServer("ann", "s3cret") as camera:
        url = camera.url("/live", userinfo="ann:s3cret@") + "?token=s3cret"
        patience = replace(QUICK, give_up_s=0.0)
        stills = sample_stream(url, every_s=0.5, patience=patience, on_state=states.append)
        next(stills)
        (reader,) = readers()
        told_to_all = f"{reader.cmdline()} {reader.environ()} {reader.name()}"
        camera.kill()
        with pytest.raises(FootageError) as caught:
            list(stills)

    assert "read_for_parent" in told_to_all
    assert camera.url("/live") in str(caught.value)
    for told in (told_to_all, repr(states), str(caught.value), *capfd.readouterr()):
        assert "s3cret" not in told


def test_a_probe_shows_what_a_camera_is(camera: RtspServer) -> None:
    probe = probe_stream(camera.url("/live"), timeout_s=300.0)

    assert (probe.size_wh, probe.codec_name, probe.announced_fps) == ((320, 180), "h264", 10.0)
    assert Image.open(io.BytesIO(probe.jpeg.content)).size == (320, 180)
    assert 0 < probe.first_picture_s < 300


def test_a_probe_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html><body>A camera's own page</body></html>" * 20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = f"127.0.0.1:{listener.getsockname()[1]}"

    with served(tmp_path) as place, silent_camera() as silent:
        for url, found, timeout_s in (
            (f"rtsp://ann:s3cret@{refused}/1", "found connection refused", 300.0),
            ("rtsp://ann:s3cret@no-such-camera.invalid/1", "found no host of this name", 300.0),
            (f"rtsp://ann:s3cret@{silent}/1", "found no picture for 1 s", 1.0),
            (f"http://ann:s3cret@{place}/none.mjpg", "found no stream of this path", 300.0),
            (f"http://ann:s3cret@{place}/page.html", "found no video that can be read", 300.0),
            ("cam-7/s3cret", "found none of rtsp://", 300.0),
        ):
            with pytest.raises(FootageError, match=found) as caught:
                probe_stream(url, timeout_s=timeout_s)

            assert "s3cret" not in str(caught.value)
            assert "\n" not in str(caught.value)


SAMPLING = """
import signal, sys
from workbench.footage.streams import StreamPatience, sample_stream
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background has it ignored
for still in sample_stream(sys.argv[1], every_s=0.5, patience=StreamPatience(silence_s=10_000.0)):
    print("still", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_reader_outlives_its_parent_even_one_that_waits_for_a_silent_camera(
    number: signal.Signals, make_clip: MakeClip
) -> None:
    with silent_camera(TS_HEAD + make_clip("live.ts", frames=80).read_bytes()) as place:
        argv = [sys.executable, "-c", SAMPLING, f"http://{place}/live.ts"]
        parent = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(12)] == [b"still\n"] * 12
        (reader,) = readers(psutil.Process(parent.pid))
        parent.send_signal(number)
        _, told = parent.communicate()

        assert parent.returncode == -number
        assert psutil.wait_procs([reader], timeout=300)[1] == []
        assert (b"KeyboardInterrupt" in told) == (number is signal.SIGINT)


def test_stills_may_be_taken_by_one_thread_after_another() -> None:
    with (
        jpeg_camera(10_000) as place,
        closing(sample_stream(f"http://{place}/", every_s=0.1, patience=QUICK)) as stills,
    ):
        (first,) = taken_by_a_thread(stills)
        (reader,) = readers()
        (second,) = taken_by_a_thread(stills)

        assert second.offset_s > first.offset_s
        assert readers() == [reader]


def taken_by_a_thread(stills: Iterator[LiveStill]) -> list[LiveStill]:
    taken: list[LiveStill] = []
    thread = threading.Thread(target=lambda: taken.append(next(stills)))
    thread.start()
    thread.join()
    return taken


def test_an_iterator_that_nobody_closes_leaves_no_reader() -> None:
    with jpeg_camera(10_000) as place:
        stills = sample_stream(f"http://{place}/", every_s=0.1, patience=QUICK)
        next(stills)
        assert len(readers()) == 1
        del stills

        assert readers() == []


def test_a_recording_over_http_is_sampled_until_its_duration(make_clip: MakeClip) -> None:
    clip = make_clip("live.ts", frames=40)

    with served(clip.parent) as place:
        stills = list(sample_stream(f"http://{place}/live.ts", every_s=0.5, duration_s=2.0))

    assert [still.offset_s for still in stills] == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert all(still.jpeg.content.startswith(b"\xff\xd8") for still in stills)


def test_a_recording_over_http_is_read_once_and_wholly_however_slow_its_consumer(make_clip: MakeClip) -> None:
    clip = make_clip("live.ts", frames=40)
    states: list[StreamState] = []
    patience = replace(QUICK, waiting_stills=2)
    offsets_s = []

    with served(clip.parent) as place:
        for still in sample_stream(f"http://{place}/live.ts", every_s=0.1, patience=patience, on_state=states.append):
            offsets_s.append(still.offset_s)
            time.sleep(0.05)

    assert offsets_s == pytest.approx([index / 10 for index in range(40)])
    assert kinds(states) == ["connecting", "live", "ended"]
    assert (states[-1].reason, states[-1].stills_dropped) == ("The recording is over.", 0)


def test_a_recording_over_http_that_breaks_off_is_not_begun_again(make_clip: MakeClip) -> None:
    content = make_clip("live.ts", frames=40).read_bytes()
    states: list[StreamState] = []

    class Breaking(_Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.send_header("Content-Length", str(2 * len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Breaking) as place:
        stills = sample_stream(f"http://{place}/live.ts", every_s=1.0, patience=QUICK, on_state=states.append)
        first = next(stills)
        with pytest.raises(FootageError, match="connection broke"):
            list(stills)

    assert first.offset_s == 0
    assert kinds(states) == ["connecting", "live", "ended"]


def test_pictures_without_times_are_timed_by_their_arrival() -> None:
    with jpeg_camera(6, pause_s=0.5) as place, closing(sample_stream(f"http://{place}/", every_s=0.01)) as stills:
        offsets_s = [next(stills).offset_s for _ in range(6)]

    assert offsets_s == sorted(offsets_s)
    assert offsets_s[-1] > 1.0


@pytest.mark.parametrize(("good_stretch_s", "retries_s"), [(600.0, [0.5, 1.0, 2.0]), (0.0, [0.5, 0.5, 0.5])])
def test_the_back_off_doubles_until_a_connection_lasted(good_stretch_s: float, retries_s: list[float]) -> None:
    states: list[StreamState] = []
    patience = replace(QUICK, good_stretch_s=good_stretch_s)
    with jpeg_camera(5) as place:
        stills = sample_stream(f"http://{place}/", every_s=0.1, patience=patience, on_state=states.append)
        offsets_s = [still.offset_s for still in itertools.takewhile(lambda _: states[-1].reconnects < 3, stills)]
        stills.close()

    assert offsets_s == sorted(set(offsets_s))
    assert [state.retry_in_s for state in states if state.kind is StreamKind.WAITING] == retries_s
    assert {state.reason for state in states if state.kind is StreamKind.WAITING} == {"The connection broke."}


def test_what_ends_a_first_connection_does_not_end_a_later_one() -> None:
    states: list[StreamState] = []
    with jpeg_camera(5, None, 10_000) as place:
        stills = sample_stream(f"http://{place}/", every_s=0.1, patience=QUICK, on_state=states.append)
        next(still for still in stills if states[-1].reconnects)
        stills.close()

    assert told_once(states) == RETRYING
    assert "No stream of this path (404)." in [state.reason for state in states]


def test_a_duration_ends_also_while_the_camera_is_away() -> None:
    states: list[StreamState] = []
    with jpeg_camera(5, None) as place:
        stills = list(
            sample_stream(f"http://{place}/", every_s=0.1, duration_s=3.0, patience=QUICK, on_state=states.append)
        )

    assert 1 <= len(stills) <= 5
    assert (states[-1].kind, states[-1].reason) == (StreamKind.ENDED, "3 s are over.")


def test_pictures_are_prepared_before_they_leave_the_reader() -> None:
    url = "http://{}/"
    with jpeg_camera(10_000) as place:
        with closing(sample_stream(url.format(place), every_s=1.0, patience=QUICK)) as stills:
            plain = next(stills)
        with closing(sample_stream(url.format(place), every_s=1.0, patience=QUICK, prepare=ImageOps.invert)) as stills:
            inverted = next(stills)

    assert grey(inverted.jpeg) == pytest.approx(255 - grey(plain.jpeg), abs=5)


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(FootageError, match="above 0 seconds"):
        sample_stream("rtsp://127.0.0.1/1", every_s=0.0)


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
    patience = replace(QUICK, silence_s=1.0)
    with silent_camera() as place, pytest.raises(FootageError, match="no picture for 1 s") as caught:
        list(sample_stream(f"{scheme}://ann:s3cret@{place}/1", every_s=1.0, duration_s=5.0, patience=patience))

    assert f"{scheme}://{place}/1" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_camera_that_stays_away_is_given_up_and_what_came_before_is_good(make_clip: MakeClip) -> None:
    states: list[StreamState] = []
    patience = replace(QUICK, silence_s=3.0, give_up_s=12.0)

    with silent_camera(TS_HEAD + make_clip("live.ts", frames=80).read_bytes()) as place:
        stills = sample_stream(f"http://{place}/live.ts", every_s=1.0, patience=patience, on_state=states.append)
        first = [next(stills).offset_s for _ in range(3)]
        with pytest.raises(FootageError, match=place):
            list(stills)

    assert first == pytest.approx([0.0, 1.0, 2.0])
    assert told_once(states) == ["connecting", "live", "waiting", "connecting", "ended"]


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
        list(sample_stream(f"rtsp://ann:s3cret@127.0.0.1:{port}/1", every_s=1.0, duration_s=1.0, patience=QUICK))

    assert "s3cret" not in str(caught.value)
