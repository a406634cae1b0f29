"""Streams over real sockets on the loopback interface, sampled: a real RTSP server, and small HTTP cameras."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ImageOps

from tests.footage.cameras import jpeg_camera, served
from tests.footage.watching import QUICK, grey, kinds
from tests.rtsp_server import RtspServer
from workbench.errors import FootageError
from workbench.footage.streams import StreamState, sample_stream
from workbench.workflows.ingest import ingest
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


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


def test_of_a_duration_that_ends_with_the_first_frame_nothing_comes() -> None:
    states: list[StreamState] = []
    with jpeg_camera(10_000) as place:
        url = f"http://{place}/"
        stills = list(sample_stream(url, every_s=0.1, duration_s=0.0, patience=QUICK, on_state=states.append))

    assert stills == []
    assert kinds(states) == ["connecting", "live", "ended"]


def test_pictures_without_times_are_timed_by_their_arrival() -> None:
    with jpeg_camera(6, pause_s=0.5) as place, closing(sample_stream(f"http://{place}/", every_s=0.01)) as stills:
        offsets_s = [next(stills).offset_s for _ in range(6)]

    assert offsets_s == sorted(offsets_s)
    assert offsets_s[-1] > 1.0


def test_pictures_are_prepared_before_they_leave_the_reader() -> None:
    url = "http://{}/"
    with jpeg_camera(10_000) as place:
        with closing(sample_stream(url.format(place), every_s=1.0, patience=QUICK)) as stills:
            plain = next(stills)
        with closing(sample_stream(url.format(place), every_s=1.0, patience=QUICK, prepare=ImageOps.invert)) as stills:
            inverted = next(stills)

    assert grey(inverted.jpeg) == pytest.approx(255 - grey(plain.jpeg), abs=5)


def test_pictures_are_no_longer_than_asked_for(make_clip: MakeClip) -> None:
    clip = make_clip("live.ts", frames=5)

    with served(clip.parent) as place:
        url = f"http://{place}/live.ts"
        (still,) = sample_stream(url, every_s=1.0, patience=QUICK, long_side_px=168)

    assert still.jpeg.size_wh == (168, 32)


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(FootageError, match="above 0 seconds"):
        sample_stream("rtsp://127.0.0.1/1", every_s=0.0)


def test_an_ingested_stream_names_no_credentials(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip("live.ts")

    with served(clip.parent) as place:
        url = f"http://ann:s3cret@{place}/live.ts?password=s3cret"
        report = ingest(workspace, url, site="yard", camera="gate", duration_s=2.0, actor="ann")

    assert (report.frames_found, report.frames_added, report.problems) == (2, 2, ())
    assert "live.ts" in report.clips[0]
    assert "s3cret" not in repr(report)
    assert "s3cret" not in repr(workspace.store.audit.events())


def test_a_stream_that_ends_early_is_a_problem_not_a_loss(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip("live.ts")

    with served(clip.parent) as place:
        url = f"http://{place}/live.ts"
        report = ingest(workspace, url, site="yard", camera="gate", duration_s=30.0, actor="ann")

    assert report.frames_added == 3
    assert report.problems == (f"{url} ended after 2.0 s of 30 s",)
