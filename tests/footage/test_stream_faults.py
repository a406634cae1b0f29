"""Streams that break, freeze, fall silent or refuse, and when they are connected again or given up."""

import itertools
import re
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.footage.cameras import TS_HEAD, breaking_camera, jpeg_camera, silent_camera
from tests.footage.watching import QUICK, RETRYING, kinds, told_once
from tests.rtsp_server import RtspServer
from workbench.domain import StreamKind
from workbench.errors import FootageError
from workbench.footage.streams import (
    PATIENCE,
    LiveStill,
    StreamState,
    probe_stream,
    sample_stream,
)

MakeClip = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


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


def test_a_recording_over_http_that_breaks_off_is_not_begun_again(make_clip: MakeClip) -> None:
    content = make_clip("live.ts", frames=40).read_bytes()
    states: list[StreamState] = []

    with breaking_camera(content) as place:
        stills = sample_stream(f"http://{place}/live.ts", every_s=1.0, patience=QUICK, on_state=states.append)
        first = next(stills)
        with pytest.raises(FootageError, match="connection broke"):
            list(stills)

    assert first.offset_s == 0
    assert kinds(states) == ["connecting", "live", "ended"]


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


def test_a_stream_that_is_not_there_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(FootageError, match="onnection refused") as caught:
        list(sample_stream(f"rtsp://ann:s3cret@127.0.0.1:{port}/1", every_s=1.0, duration_s=1.0, patience=QUICK))

    assert "s3cret" not in str(caught.value)
