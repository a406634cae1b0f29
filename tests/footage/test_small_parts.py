import io
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.errors import FootageError
from workbench.footage.addresses import is_stream, stream_name, without_credentials
from workbench.footage.files import files_below, natural_order
from workbench.footage.image_series import open_images
from workbench.footage.pictures import decode_image, encode_jpeg
from workbench.footage.start_times import StartOrigin, StartTime, find_start, start_time_from_name
from workbench.footage.timeline import Timeline

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)
TIMELINE = Timeline(tuple(index / 10 for index in range(30)), (0.0, 1.0, 2.0), 0.1)


@pytest.mark.parametrize(
    "name",
    [
        "cam_20260302T080000Z.mp4",
        "2026-03-02_08-00-00.avi",
        "gate-2026-03-02 08.00.00.mkv",
        "7_20260302080000_x.mp4",
        "2026-03-02/08-00-00.mp4",
        "2026/03/02/080000.jpg",
    ],
)
def test_names_tell_when_a_recording_began(name: str) -> None:
    assert start_time_from_name(name) == EIGHT


@pytest.mark.parametrize("name", ["cam.mp4", "20261399T080000Z.mp4", "1234567890123456789.mp4", "2026-03-02.mp4"])
def test_other_names_do_not(name: str) -> None:
    assert start_time_from_name(name) is None


def test_the_user_comes_before_the_name_that_before_the_header_and_that_before_the_file_system(tmp_path: Path) -> None:
    named, plain = tmp_path / "2026-03-02_08-00-00.mp4", tmp_path / "cam.mp4"
    for path in (named, plain):
        path.touch()
        os.utime(path, (1_700_000_000.6, 1_700_000_000.6))
    recorded_at, told = datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)

    assert find_start(named, header=recorded_at, given=told) == StartTime(told, StartOrigin.USER)
    assert find_start(named, header=recorded_at) == StartTime(EIGHT, StartOrigin.NAME)
    assert find_start(plain, header=recorded_at) == StartTime(recorded_at, StartOrigin.HEADER)
    assert find_start(plain, header=recorded_at, name="2026-03-02/08-00-00.mp4").origin is StartOrigin.NAME
    modified_at = datetime.fromtimestamp(1_700_000_000, tz=UTC)
    assert find_start(plain, header=None) == StartTime(modified_at, StartOrigin.FILE)


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


def test_each_frame_counts_for_the_nearest_instant_alone() -> None:
    uneven = Timeline((0.0, 0.1, 0.6, 1.3, 2.6, 9.7), (0.0,), 0.6)

    assert uneven.every(1.0) == [0.0, 1.3, 2.6, 9.7]
    assert uneven.every(1.0, until_s=9.8) == [0.0, 1.3, 2.6]
    assert TIMELINE.every(0.04, until_s=0.17) == pytest.approx([0.0, 0.1])


def test_a_sampling_interval_of_nothing_is_refused() -> None:
    with pytest.raises(FootageError, match="above 0 seconds"):
        TIMELINE.every(0.0)


@pytest.mark.parametrize(
    ("size_wh", "stored_wh"), [((1600, 900), (1280, 720)), ((900, 1600), (720, 1280)), ((640, 360), (640, 360))]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_same_picture_gives_the_same_bytes_is_bounded_and_stays_as_it_was(
    size_wh: tuple[int, int], stored_wh: tuple[int, int], mode: str
) -> None:
    image = Image.effect_noise(size_wh, 40).convert(mode)
    before = image.copy()
    jpeg = encode_jpeg(image)

    assert jpeg.size_wh == Image.open(io.BytesIO(jpeg.content)).size == stored_wh
    assert encode_jpeg(image.copy()) == jpeg
    assert image == before


@pytest.mark.parametrize(("suffix", "kind"), [("png", "<u2"), ("tif", "<u2"), ("tif", ">u2"), ("tif", "<i4")])
def test_of_sixteen_bits_of_grey_the_upper_ones_are_kept(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"thermal.{suffix}"
    rows = np.tile(np.array([0, 300, 0x1234, 0x8000, 0xFFFF], kind), (8, 1))
    Image.fromarray(rows).save(path)

    (_, still), *_ = open_images([path], name="shots").stills([0.0], on_damage=print)

    for image in (still.image(), decode_image(path.read_bytes())):
        assert np.asarray(image)[0, :, 0].tolist() == [0, 1, 0x12, 0x80, 0xFF]


def test_files_come_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    for name in ("cam10/1.jpg", "cam2/10.jpg", "cam2/9.jpg", "a.mp4", ".trash/x.mp4", "cam2/.hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "round").symlink_to(tmp_path)

    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path)]

    assert found == ["a.mp4", "cam2/9.jpg", "cam2/10.jpg", "cam10/1.jpg"]
    assert sorted(["b", "²", "1", "01"], key=natural_order) == ["01", "1", "b", "²"]
