"""The child processes that read streams: replaced when they hang, gone when nobody needs them, telling no secret."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.footage.cameras import TS_HEAD, jpeg_camera, silent_camera
from tests.footage.watching import QUICK, RETRYING, readers, told_once
from tests.rtsp_server import RtspServer
from workbench.errors import FootageError
from workbench.footage.streams import LiveStill, StreamState, sample_stream

MakeClip = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


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
