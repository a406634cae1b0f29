"""A live stream of which only changed views are taken: a real RTSP server."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from tests.footage.watching import QUICK, RETRYING, kinds, told_once
from tests.rtsp_server import RtspServer
from workbench.domain import Mask
from workbench.footage.motion import ChangeDetection
from workbench.footage.streams import StreamState, sample_stream, to_nobody

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


def changes(
    url: str, *, masks: Sequence[Mask] = (), on_state: Callable[[StreamState], None] = to_nobody
) -> list[float]:
    """The offsets of the stills whose view has changed, in ten seconds with a look every half one."""
    change = ChangeDetection(look_every_s=0.5)
    stills = sample_stream(
        url, every_s=60.0, duration_s=10.0, change=change, masks=masks, patience=QUICK, on_state=on_state
    )
    return [still.offset_s for still in stills]


def test_a_camera_that_shows_the_same_for_long_gives_one_still_and_is_not_taken_for_silent(camera: RtspServer) -> None:
    states: list[StreamState] = []

    assert changes(camera.url("/live"), on_state=states.append) == [0.0]
    assert kinds(states) == ["connecting", "live", "ended"]
    assert states[-1].reason == "10 s have been seen."


def test_what_moves_is_taken_at_most_every_look_and_not_at_all_behind_a_mask(camera: RtspServer) -> None:
    left_half = Mask(((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    seen_s = changes(camera.url("/ball"))

    assert 10 <= len(seen_s) <= 20
    assert min(later - sooner for sooner, later in itertools.pairwise(seen_s)) > 0.25
    assert changes(camera.url("/ball"), masks=[left_half]) == [0.0]


def test_a_camera_that_comes_back_shows_a_changed_view(camera: RtspServer) -> None:
    states: list[StreamState] = []
    change = ChangeDetection(look_every_s=0.5)
    stills = sample_stream(camera.url("/live"), every_s=0.5, change=change, patience=QUICK, on_state=states.append)
    with closing(stills):
        first = next(stills)
        camera.kill()
        camera.start()
        second = next(stills)

    assert second.offset_s > first.offset_s
    assert told_once(states) == RETRYING
