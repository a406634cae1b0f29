"""HLS: playlists of live streams, which grow while they are read, and of recordings, which end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.footage.cameras import growing_playlist, served
from tests.footage.watching import QUICK, RETRYING, told_once
from workbench.errors import FootageError
from workbench.footage.stream_messages import Finished, LiveStill
from workbench.footage.stream_reading import Reading
from workbench.footage.streams import StreamState, sample_stream

MakeClip = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_reader_is_left")

SEGMENTS = {"hls_time": "1", "hls_list_size": "0"}


def test_a_live_playlist_is_sampled_while_it_grows_and_what_it_lists_again_is_not_taken_again(
    make_clip: MakeClip,
) -> None:
    states: list[StreamState] = []
    clip = make_clip("dock.m3u8", frames=50, options=SEGMENTS)

    with growing_playlist(clip, 0, None, None, 1, 2) as place:
        url = f"http://{place}/dock.m3u8"
        stills = list(sample_stream(url, every_s=0.1, patience=QUICK, on_state=states.append))

    assert [still.offset_s for still in stills][:30] == pytest.approx([index / 10 for index in range(30)])
    assert len({still.jpeg for still in stills}) == len(stills) >= 49
    assert told_once(states) == [*RETRYING[:-1], "waiting", "connecting", "ended"]
    assert states[-1].reason == "The live stream is over."


@pytest.mark.parametrize("keyframes_within_s", [None, 60.0])
def test_a_playlist_of_a_recording_is_read_once(make_clip: MakeClip, keyframes_within_s: float | None) -> None:
    clip = make_clip("dock.m3u8", frames=40, options=SEGMENTS)

    with served(clip.parent) as place:
        url = f"http://{place}/dock.m3u8"
        reading = Reading(url, 1.0, duration_s=None, timeout_s=60.0, keyframes_within_s=keyframes_within_s)
        told = list(reading.messages())

    assert [message.offset_s for message in told if isinstance(message, LiveStill)] == pytest.approx([0, 1, 2, 3])
    assert told[-1] == Finished("The recording is over.")


def test_a_playlist_cannot_make_this_machine_show_its_own_files(make_clip: MakeClip) -> None:
    clip = make_clip("dock.m3u8", frames=40, options=SEGMENTS)
    clip.write_text(clip.read_text().replace("\ndock", f"\nfile://{clip.parent}/dock"))

    with served(clip.parent) as place:
        reading = Reading(f"http://{place}/dock.m3u8", 1.0, duration_s=None, timeout_s=60.0)
        with pytest.raises(FootageError, match="a stream at http"):
            list(reading.messages())
