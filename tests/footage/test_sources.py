import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import fsspec
import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.store.object_server import ACCESS_KEY, SECRET_KEY, object_server
from workbench.errors import FootageError, UsageError
from workbench.footage.contents import HEAD_BYTES, Content, content_of
from workbench.footage.image_series import MAX_PIXELS, ImageSeries, open_images
from workbench.footage.sampling import plan_every, plan_keyframes
from workbench.footage.sources import find_recordings
from workbench.footage.start_times import StartOrigin, StartTime
from workbench.footage.video_files import VideoFile, open_video

MakeClip = Callable[..., Path]
EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def save_picture(
    path: Path, *, exif_time: str = "", zone: str = "", fraction: str = "", orientation: int = 1, level: int = 90
) -> Path:
    """Save a picture of 80 x 40 whose left half is of the brightness ``level``."""
    pixels = np.full((40, 80), 200, np.uint8)
    pixels[:, :40] = level
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    times = exif.get_ifd(ExifTags.IFD.Exif)
    if exif_time:
        times[ExifTags.Base.DateTimeOriginal] = exif_time
    if zone:
        times[ExifTags.Base.OffsetTimeOriginal] = zone
    if fraction:
        times[ExifTags.Base.SubsecTimeOriginal] = fraction
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert("RGB").save(path, exif=exif)
    return path


def levels(series: ImageSeries, offsets_s: list[float]) -> list[int]:
    damage: list[str] = []
    found = [still.image().getpixel((5, 5))[0] for _, still in series.stills(offsets_s, on_damage=damage.append)]  # type: ignore[index]
    assert damage == []
    return [round(level, -1) for level in found]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mjpeg"),
        ("a.gif", "gif"),
        ("a.ts", "libx264"),
        ("a.flv", "flv1"),
        ("a.mpg", "mpeg2video"),
        ("a.mov", "libx264"),
    ],
)
def test_a_video_is_known_by_its_content_under_any_name(make_clip: MakeClip, name: str, codec: str) -> None:
    clip = make_clip(name, codec=codec, fps=25)
    renamed = clip.rename(clip.with_name("renamed.dat"))
    unnamed = shutil.copy(renamed, clip.with_name("recording"))

    found = find_recordings(str(clip.parent))

    assert [recording.name for recording in found] == ["recording", "renamed.dat"]
    for recording in found:
        with recording.opened() as opened:
            assert isinstance(opened, VideoFile)
            assert opened.size_wh == (336, 64)
    assert content_of(Path(unnamed).read_bytes()[:HEAD_BYTES], "") is Content.VIDEO


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "avif"])
def test_a_picture_is_known_by_its_content_under_any_name(tmp_path: Path, suffix: str) -> None:
    picture = save_picture(tmp_path / f"a.{suffix}")
    renamed = picture.rename(tmp_path / "cam.mp4")

    (found,) = find_recordings(str(renamed))
    with found.opened() as opened:
        assert isinstance(opened, ImageSeries)
        assert (opened.name, opened.size_wh) == ("cam.mp4", (80, 40))


def test_a_video_in_a_pictures_clothes_is_a_video(make_clip: MakeClip, tmp_path: Path) -> None:
    (found,) = find_recordings(str(make_clip().rename(tmp_path / "cam.jpg")))

    with found.opened() as opened:
        assert isinstance(opened, VideoFile)


def test_a_file_that_grows_meanwhile_is_told(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_while_it_is_written(path: Path, *, name: str) -> VideoFile:
        video = open_video(path, name=name)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return video

    (found,) = find_recordings(str(make_clip("a.ts", fps=25)))
    monkeypatch.setattr("workbench.footage.sources.open_video", open_while_it_is_written)

    with pytest.raises(FootageError, match=r"a\.ts to be written to its end.*still changes;"), found.opened():
        pass


def test_a_raw_stream_goes_by_its_name(make_clip: MakeClip) -> None:
    clip = make_clip("a.h264")

    with find_recordings(str(clip))[0].opened() as opened:
        assert isinstance(opened, VideoFile)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("cam.mp4", b"", "an empty file"),
        ("cam.mp4", b"not a video at all" * 50, "invalid data"),
        ("cam.jpg", b"not a picture at all" * 50, "other content"),
        ("cam.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/hostname\n", "invalid data|another kind"),
        ("cam.mp4", b"ffconcat version 1.0\nfile /etc/hostname\n", "content of another kind"),
    ],
)
def test_what_is_no_footage_though_named_so_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)

    (found,) = find_recordings(str(tmp_path))
    with pytest.raises(FootageError, match=told) as caught, found.opened():
        pass

    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_gives_videos_and_rows_of_pictures_with_all_its_folders(make_clip: MakeClip) -> None:
    folder = make_clip("b.mp4").parent
    shutil.copytree(folder, folder / "night")
    for name in ("shots/10.jpg", "shots/9.jpg", "labels.csv", ".hidden.mp4"):
        if name.endswith(".jpg"):
            save_picture(folder / name, level=10 * int(Path(name).stem))
        else:
            (folder / name).write_text("video,time_s")

    found = find_recordings(str(folder))

    assert [(recording.name, recording.content, recording.file_names) for recording in found] == [
        ("b.mp4", Content.VIDEO, ("b.mp4",)),
        ("night/b.mp4", Content.VIDEO, ("night/b.mp4",)),
        ("shots", Content.PICTURE, ("shots/9.jpg", "shots/10.jpg")),
    ]


def test_pictures_that_lie_in_the_folder_itself_bear_its_name(tmp_path: Path) -> None:
    save_picture(tmp_path / "gate" / "1.jpg")

    assert [recording.name for recording in find_recordings(str(tmp_path / "gate"))] == ["gate"]


def test_nothing_there_and_nothing_in_it_are_told(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="none there"):
        find_recordings(str(tmp_path / "missing.mp4"))
    (tmp_path / "labels.csv").write_text("video")
    with pytest.raises(FootageError, match="none among 1 file;"):
        find_recordings(str(tmp_path))
    with pytest.raises(UsageError, match="an empty text"):
        find_recordings(" ")


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "cam.mp4").touch()
    monkeypatch.setattr(os, "scandir", refused)

    with pytest.raises(FootageError, match="permission denied"):
        find_recordings(str(tmp_path))


def test_a_file_that_may_not_be_read_costs_itself_only(make_clip: MakeClip) -> None:
    folder = make_clip("b.mp4").parent
    (folder / "a.mp4").symlink_to("/proc/self/mem")

    broken, whole = find_recordings(str(folder))

    with pytest.raises(FootageError, match="input/output error"), broken.opened():
        pass
    with whole.opened() as video:
        assert video.name == "b.mp4"


def test_a_name_that_is_no_utf8_costs_its_file_only(make_clip: MakeClip) -> None:
    folder = make_clip("good.mp4").parent
    shutil.copy(folder / "good.mp4", folder / os.fsdecode(b"b\xe4d.mp4"))
    for name in (b"shots/1.jpg", b"shots/\xe4.jpg"):
        save_picture(folder / os.fsdecode(name))

    bad, good, shots = find_recordings(str(folder))

    with pytest.raises(FootageError, match=r"in UTF-8, but found the bytes b'b\\xe4d.mp4'; rename it"), bad.opened():
        pass
    with good.opened() as video, shots.opened() as series:
        assert video.name == "good.mp4"
        assert "1 of its 2 pictures cannot be read: Expected the name" in str(series.damage)
    with pytest.raises(FootageError, match="in UTF-8"):
        find_recordings(os.fsdecode(b"b\xe4d.mp4"))


def test_what_the_workbench_keeps_itself_is_no_footage(make_clip: MakeClip, tmp_path: Path, memory_url: str) -> None:
    clip = make_clip("good.mp4")
    still = save_picture(clip.parent / "data" / "frames" / "9c" / "9c00.jpg")
    (tmp_path / "linked").symlink_to(still.parents[1])
    put(f"{memory_url}/site/good.mp4", clip)
    put(f"{memory_url}/site/frames/9c/9c00.jpg", still)

    for source, own in (
        (str(clip.parent), str(still.parents[1])),
        (f"{clip.parent}/data/..", str(tmp_path / "linked")),
        (f"{memory_url}/site", f"{memory_url}/site/frames"),
    ):
        assert [recording.name for recording in find_recordings(source, own=[own])] == ["good.mp4"]
    for own_source in (still.parents[2], still.parent, still):
        with pytest.raises(FootageError, match="not the workbench's own, but found none"):
            find_recordings(str(own_source), own=[str(still.parents[1])])


def test_exif_tells_when_pictures_were_taken(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.jpg", exif_time="2026:03:02 09:00:20", zone="+01:00", level=30)
    save_picture(tmp_path / "b_20200101T000000Z.jpg", exif_time="2026:03:02 08:00:00", level=60)
    save_picture(tmp_path / "c.jpg", exif_time="2026:03:02 08:00:10", fraction="25", level=90)

    with find_recordings(str(tmp_path))[0].opened() as series:
        assert isinstance(series, ImageSeries)
        assert series.start() == StartTime(EIGHT, StartOrigin.HEADER)
        assert series.start(given=EIGHT.replace(hour=9)).origin is StartOrigin.USER
        assert list(series.timeline.offsets_s) == [0.0, 10.25, 20.0]
        assert levels(series, list(series.timeline.offsets_s)) == [60, 90, 30]


def test_an_exif_time_beyond_the_calendar_tells_nothing(tmp_path: Path) -> None:
    picture = save_picture(tmp_path / "a.jpg", exif_time="9999:12:31 23:00:00", zone="-05:00")

    assert open_images([picture], name="shots").start().origin is StartOrigin.FILE


def test_without_exif_the_names_tell_and_without_those_the_files(tmp_path: Path) -> None:
    named = [save_picture(tmp_path / f"20260302T08{minute:02d}00Z.jpg", level=10 * minute) for minute in (5, 0, 1)]
    plain = [save_picture(tmp_path / f"{number}.jpg", level=10 * number) for number in (1, 2, 10)]
    for number, path in enumerate(plain):
        os.utime(path, (1_700_000_000 + 60 * number,) * 2)

    by_name = open_images(named, name="shots")
    by_file = open_images(plain, name="shots")
    mixed = open_images([*named, plain[0]], name="shots")

    assert by_name.start() == StartTime(EIGHT, StartOrigin.NAME)
    assert list(by_name.timeline.offsets_s) == [0.0, 60.0, 300.0]
    assert by_file.start() == StartTime(datetime.fromtimestamp(1_700_000_000, tz=UTC), StartOrigin.FILE)
    assert list(by_file.timeline.offsets_s) == [0.0, 60.0, 120.0]
    assert levels(by_file, [0.0, 60.0, 120.0]) == [10, 20, 100]
    assert mixed.start().origin is StartOrigin.FILE


def test_file_times_of_a_copy_say_nothing_so_that_pictures_are_counted(tmp_path: Path) -> None:
    pictures = [save_picture(tmp_path / f"{number}.jpg") for number in (1, 2, 3, 4)]
    for path in pictures:
        os.utime(path, (1_700_000_000,) * 2)

    series = open_images(pictures, name="shots")

    assert list(series.timeline.offsets_s) == [0.0, 1.0, 2.0, 3.0]
    assert list(plan_every(series, 2.0, until_s=None).instants_s) == [0.0, 2.0]


def test_pictures_of_the_same_second_stay_apart(tmp_path: Path) -> None:
    pictures = [save_picture(tmp_path / f"{number}.jpg", exif_time="2026:03:02 08:00:00") for number in range(3)]

    assert list(open_images(pictures, name="shots").timeline.offsets_s) == pytest.approx([0.0, 0.001, 0.002])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_pictures_upright(tmp_path: Path, orientation: int) -> None:
    series = open_images([save_picture(tmp_path / "a.jpg", orientation=orientation)], name="shots")
    (_, still), *_ = series.stills([0.0], on_damage=print)

    image = still.image()
    assert image.size == series.size_wh == ((80, 40) if orientation < 5 else (40, 80))
    assert still.image(long_side_px=20).size == ((20, 10) if orientation < 5 else (10, 20))
    dark_side = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[
        orientation
    ]
    corner = {"left": (4, 20), "right": (75, 20), "top": (20, 4), "bottom": (20, 75)}[dark_side]
    assert image.convert("L").getpixel(corner) < 120  # type: ignore[operator]
    assert still.grey((16, 8)).shape == (8, 16)


def test_pictures_are_sampled_like_a_video(tmp_path: Path) -> None:
    for second in range(0, 60, 5):
        save_picture(tmp_path / f"20260302T0800{second:02d}Z.png", level=second)
    with find_recordings(str(tmp_path))[0].opened() as series:
        assert list(plan_every(series, 20.0, until_s=None).instants_s) == [0.0, 20.0, 40.0]
        assert list(plan_keyframes(series, 25.0).instants_s) == [0.0, 25.0, 50.0]
        assert len(plan_keyframes(series).instants_s) == 12


def test_a_folder_that_grows_stays_the_same_recording(tmp_path: Path) -> None:
    first = save_picture(tmp_path / "20260302T080000Z.jpg", level=10)
    before = open_images([first], name="shots")
    second = save_picture(tmp_path / "20260302T080500Z.jpg", level=20)

    assert open_images([first, second], name="shots").digest() == before.digest()
    assert open_images([second], name="shots").digest() != before.digest()


def test_bad_pictures_cost_themselves_only(tmp_path: Path) -> None:
    good = save_picture(tmp_path / "1.jpg")
    truncated = save_picture(tmp_path / "2.jpg")
    truncated.write_bytes(truncated.read_bytes()[:-40])
    (tmp_path / "3.jpg").write_bytes(b"")
    series = open_images([good, truncated, tmp_path / "3.jpg"], name="shots")
    damage: list[str] = []

    taken = [offset_s for offset_s, _ in series.stills(list(series.timeline.offsets_s), on_damage=damage.append)]

    assert series.damage is not None
    assert series.damage.startswith("1 of its 3 pictures cannot be read: Expected a picture in 3.jpg")
    assert len(taken) == 1
    assert len(damage) == 1
    assert "2.jpg" in damage[0]
    assert "damaged" in damage[0]


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    assert MAX_PIXELS > 7680 * 4320
    for side_px in (9_000, 14_000):
        path = tmp_path / f"{side_px}.png"
        Image.new("1", (side_px, side_px)).save(path)
        with pytest.raises(FootageError, match="at most 64 million pixels"):
            open_images([path], name="shots")


@pytest.fixture
def memory_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("workbench.footage.remote._SCHEMES", ("memory",))
    name = f"/{uuid4().hex}"
    yield f"memory:/{name}"
    files = fsspec.filesystem("memory")
    if files.exists(name):
        files.rm(name, recursive=True)


def put(url: str, path: Path) -> None:
    files, root = fsspec.core.url_to_fs(url)
    files.put_file(str(path), root)


def test_an_object_stores_folder_is_read_like_one_on_the_disk(
    make_clip: MakeClip, tmp_path: Path, memory_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip("cam_20260302T080000Z.mp4")
    put(f"{memory_url}/site/gate/{clip.name}", clip)
    put(f"{memory_url}/site/gate/unnamed", clip)
    put(f"{memory_url}/site/shots/1.jpg", save_picture(tmp_path / "1.jpg", exif_time="2026:03:02 08:00:00"))
    put(f"{memory_url}/site/.hidden/1.mp4", clip)
    put(f"{memory_url}/site-2/other.mp4", clip)
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))

    found = find_recordings(f"{memory_url}/site")

    assert [recording.name for recording in found] == [f"gate/{clip.name}", "gate/unnamed", "shots"]
    with found[0].opened() as video:
        assert video.start() == StartTime(EIGHT, StartOrigin.NAME)
        assert video.digest() == open_video(clip).digest()
        assert len(list(video.stills([0.0, 1.0], on_damage=print))) == 2
        assert len(list((tmp_path / "copies").iterdir())) == 1
    with found[2].opened() as series:
        assert series.start() == StartTime(EIGHT, StartOrigin.HEADER)
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_single_object_keeps_its_name_and_its_time(make_clip: MakeClip, memory_url: str) -> None:
    put(f"{memory_url}/a.mp4", make_clip())
    written_at = fsspec.filesystem("memory").modified(fsspec.core.url_to_fs(f"{memory_url}/a.mp4")[1])

    (found,) = find_recordings(f"{memory_url}/a.mp4")
    with found.opened() as video:
        assert video.name == "a.mp4"
        assert video.start().origin is StartOrigin.FILE
        assert abs((video.start().at - written_at).total_seconds()) < 2


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://ann:s3cret@bucket/x", "begins with s3://, .*file://, but found nosuch://"),
        ("ftp://ann:s3cret@bucket/x", "begins with s3://, .*file://, but found ftp://"),
        ("gs://ann:s3cret@bucket/x", "nothing installed that opens it"),
        ("file:///dev/shm/nothing/here", "none among 0 files"),
        ("file:///nothing/here.mp4", "none"),
    ],
)
def test_addresses_that_lead_nowhere_are_told(url: str, told: str) -> None:
    with pytest.raises(FootageError, match=told) as caught:
        find_recordings(url)

    assert "s3cret" not in str(caught.value)


def test_footage_is_read_from_a_real_s3_server(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip()
    with object_server() as server_url:
        for name, value in {
            "AWS_ENDPOINT_URL": server_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        files = fsspec.filesystem("s3", skip_instance_cache=True)
        files.mkdir("footage-tests")
        files.put_file(str(clip), "footage-tests/gate/cam.mp4")

        (found,) = find_recordings("s3://footage-tests/gate")
        with found.opened() as video:
            assert video.digest() == open_video(clip).digest()
            assert len(list(video.stills([0.0], on_damage=print))) == 1
        with pytest.raises(FootageError, match="none") as caught:
            find_recordings("s3://no-such-bucket/gate")

    assert SECRET_KEY not in str(caught.value)


def test_an_object_that_vanishes_is_told_and_leaves_nothing(
    make_clip: MakeClip, memory_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(f"{memory_url}/a.mp4", make_clip())
    (found,) = find_recordings(f"{memory_url}/a.mp4")
    fsspec.filesystem("memory").rm(fsspec.core.url_to_fs(f"{memory_url}/a.mp4")[1])
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))

    with pytest.raises(FootageError, match="none there"), found.opened():
        pass

    assert list((tmp_path / "copies").iterdir()) == []
