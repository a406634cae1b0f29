import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from workbench.errors import FootageError
from workbench.footage.addresses import is_stream, stream_name, without_credentials
from workbench.footage.files import video_files
from workbench.footage.pictures import encode_jpeg
from workbench.footage.start_times import start_time, start_time_from_name
from workbench.footage.timeline import Timeline

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)
TIMELINE = Timeline(tuple(index / 10 for index in range(30)), (0.0, 1.0, 2.0), 0.1)


@pytest.mark.parametrize(
    "name",
    ["cam_20260302T080000Z.mp4", "2026-03-02_08-00-00.avi", "gate-2026-03-02 08.00.00.mkv", "7_20260302080000_x.mp4"],
)
def test_names_tell_when_a_recording_began(name: str) -> None:
    assert start_time_from_name(name) == EIGHT


@pytest.mark.parametrize("name", ["cam.mp4", "20261399T080000Z.mp4", "1234567890123456789.mp4", "2026-03-02.mp4"])
def test_other_names_do_not(name: str) -> None:
    assert start_time_from_name(name) is None


def test_the_name_comes_before_the_header_and_that_before_the_file_system(tmp_path: Path) -> None:
    named, plain = tmp_path / "2026-03-02_08-00-00.mp4", tmp_path / "cam.mp4"
    for path in (named, plain):
        path.touch()
        os.utime(path, (1_700_000_000.6, 1_700_000_000.6))
    recorded_at = datetime(2025, 1, 1, tzinfo=UTC)

    assert start_time(named, created_at=recorded_at) == EIGHT
    assert start_time(plain, created_at=recorded_at) == recorded_at
    assert start_time(plain, created_at=None) == datetime.fromtimestamp(1_700_000_000, tz=UTC)


def test_credentials_never_show() -> None:
    url = "rtsp://ann:s3cret@cam-7.example:554/live/1?user=ann&password=s3cret#x"

    assert is_stream(url)
    assert without_credentials(url) == "rtsp://cam-7.example:554/live/1"
    assert stream_name(url, EIGHT) == "cam-7.example_554_live_1_20260302T080000Z"
    assert without_credentials("rtsp://ann:p@ss@cam/1") == "rtsp://cam/1"


def test_a_timeline_finds_the_nearest_frame() -> None:
    assert TIMELINE.duration_s == pytest.approx(3.0)
    assert TIMELINE.nearest(1.04) == pytest.approx(1.0)
    assert TIMELINE.nearest(9.0) == pytest.approx(2.9)
    assert TIMELINE.every(1.0) == pytest.approx([0.0, 1.0, 2.0])
    assert TIMELINE.every(1.0, until_s=1.5) == pytest.approx([0.0, 1.0])
    assert TIMELINE.beyond_end([0.0, 3.0, 3.1, -1.0]) == [3.1, -1.0]
    assert TIMELINE.keyframe_before(1.9) == 1.0


def test_a_sampling_interval_of_nothing_is_refused() -> None:
    with pytest.raises(FootageError, match="above 0 seconds"):
        TIMELINE.every(0.0)


def test_the_same_picture_gives_the_same_bytes_and_is_bounded() -> None:
    image = Image.effect_noise((1600, 900), 40).convert("RGB")
    jpeg = encode_jpeg(image)

    assert jpeg.size_wh == (1280, 720)
    assert encode_jpeg(image.copy()) == jpeg
    assert image.size == (1600, 900)


def test_a_folder_gives_its_videos_by_name(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.avi", "labels.csv"):
        (tmp_path / name).touch()

    assert [path.name for path in video_files(tmp_path)] == ["a.avi", "b.MP4"]


def test_a_folder_without_videos_is_told(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="video files in"):
        video_files(tmp_path)
