"""Keyframes alone of a stream: nothing else is decoded, and what lies between two of them is no silence."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.footage.cameras import jpeg_camera, served
from tests.footage.clips import encode, noisy_scene
from tests.footage.conftest import picture
from tests.footage.watching import QUICK, kinds
from tests.rtsp_server import RtspServer
from workbench.errors import FootageError
from workbench.footage.motion import ChangeDetection
from workbench.footage.stream_messages import LiveStill
from workbench.footage.stream_reading import Reading
from workbench.footage.streams import StreamState, sample_stream

Read = Callable[..., list[LiveStill]]

pytestmark = pytest.mark.usefixtures("no_reader_is_left")

EVERY_TENTH = {"x264-params": "keyint=10:scenecut=0:bframes=3:open-gop=1"}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a recording of ``tmp_path`` over HTTP in this process."""

    def read(name: str, *, keyframes: bool = True, every_s: float = 0.0, **how: object) -> list[LiveStill]:
        within_s = 60.0 if keyframes else None
        with served(tmp_path) as place:
            reading = Reading(
                f"http://{place}/{name}",
                every_s=every_s,
                duration_s=None,
                timeout_s=60.0,
                keyframes_within_s=within_s,
                **how,  # type: ignore[arg-type]
            )
            return [message for message in reading.messages() if isinstance(message, LiveStill)]

    return read


def test_keyframes_are_what_a_full_decode_shows_at_their_times(tmp_path: Path, read: Read) -> None:
    encode(tmp_path / "dock.ts", [np.asarray(picture(index)) for index in range(40)], options=EVERY_TENTH)

    every_frame = {round(still.offset_s, 1): still.jpeg for still in read("dock.ts", keyframes=False, every_s=0.1)}
    keyframes = {round(still.offset_s, 1): still.jpeg for still in read("dock.ts")}

    assert len(every_frame) == 40
    assert list(keyframes) == [0.0, 1.0, 2.0, 3.0]
    assert keyframes == {offset_s: every_frame[offset_s] for offset_s in keyframes}


def test_keyframes_are_at_least_the_interval_apart(tmp_path: Path, read: Read) -> None:
    encode(tmp_path / "dock.ts", [np.asarray(picture(index)) for index in range(60)], options=EVERY_TENTH)

    assert [still.offset_s for still in read("dock.ts", every_s=2.5)] == pytest.approx([0.0, 3.0])


def test_keyframes_are_looked_at_for_changes(tmp_path: Path, read: Read) -> None:
    scene = noisy_scene((320, 192), 40)
    for later in scene[20:]:
        later[40:120, 100:200] = 240
    encode(tmp_path / "dock.ts", scene, options=EVERY_TENTH)

    seen = read("dock.ts", every_s=0.5, change=ChangeDetection(look_every_s=0.5))

    assert [still.offset_s for still in seen] == pytest.approx([0.0, 2.0])


def test_every_picture_of_a_multipart_camera_is_a_keyframe() -> None:
    with jpeg_camera(10_000) as place:
        stills = Reading(f"http://{place}/", 0.0, None, 60.0, keyframes_within_s=60.0).messages()
        seen = list(islice((message for message in stills if isinstance(message, LiveStill)), 5))

    assert len({still.jpeg for still in seen}) == 5


def test_a_long_way_to_the_next_keyframe_is_no_silence(camera: RtspServer) -> None:
    states: list[StreamState] = []
    patience = replace(QUICK, silence_s=3.0)
    url = camera.url("/rare")
    stills = sample_stream(url, every_s=None, keyframes_only=True, patience=patience, on_state=states.append)
    with closing(stills):
        offsets_s = [next(stills).offset_s for _ in range(2)]

    assert offsets_s == pytest.approx([0.0, 4.0], abs=0.2)
    assert kinds(states) == ["connecting", "live", "ended"]


def test_a_connection_without_keyframes_fails(camera: RtspServer) -> None:
    reading = Reading(camera.url("/rare"), 0.0, None, 60.0, keyframes_within_s=1.0)
    with pytest.raises(FootageError, match=r"keyframes from rtsp://.*/rare, but found no keyframe for 1 s; let the"):
        list(reading.messages())


def test_a_duration_is_over_before_the_next_keyframe(camera: RtspServer) -> None:
    states: list[StreamState] = []
    url = camera.url("/rare")
    stills = list(
        sample_stream(url, every_s=None, duration_s=0.5, keyframes_only=True, patience=QUICK, on_state=states.append)
    )

    assert [still.offset_s for still in stills] == [0.0]
    assert states[-1].reason == "0.5 s are over."


def test_without_an_interval_frames_that_are_no_keyframes_cannot_be_taken() -> None:
    with pytest.raises(FootageError, match="above 0 seconds, but found none"):
        sample_stream("rtsp://127.0.0.1/1", every_s=None)
