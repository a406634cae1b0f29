"""Videos of stills: every still is one frame, in order, and what is gone is grey."""

import io
from fractions import Fraction

import av
import pytest
from PIL import Image

from workbench.footage.still_video import stills_to_mp4


def jpeg(level: int, size_wh: tuple[int, int] = (66, 49)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size_wh, (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def levels(video: bytes) -> list[float]:
    """Return the mean grey of each frame."""
    with av.open(io.BytesIO(video)) as container:
        return [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]


def test_each_still_is_one_frame_in_order() -> None:
    wanted = [10 * number for number in range(20)]
    video = stills_to_mp4([jpeg(level) for level in wanted], fps=4)
    assert levels(video) == pytest.approx(wanted, abs=3)
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        assert (stream.average_rate, stream.frames) == (Fraction(4), 20)
        assert stream.codec_context.name == "h264"


def test_a_still_that_is_gone_keeps_its_place_and_one_of_another_size_fits_in() -> None:
    video = stills_to_mp4([None, jpeg(0), jpeg(250, (300, 100)), None], fps=4)
    assert levels(video) == pytest.approx([128, 0, 250, 128], abs=3)


def test_large_stills_are_shown_smaller() -> None:
    with av.open(io.BytesIO(stills_to_mp4([jpeg(99, (1921, 1081))], fps=4))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (960, 540)
