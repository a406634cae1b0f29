from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from workbench.errors import FootageError
from workbench.footage.decoding import MAX_PIXELS, VideoStill
from workbench.footage.video_files import VideoFile, open_video

MakeClip = Callable[..., Path]


def decode(video: VideoFile, offsets_s: list[float]) -> tuple[list[VideoStill], list[str]]:
    damage: list[str] = []
    return [still for _, still in video.stills(offsets_s, on_damage=damage.append)], damage


def moment(still: VideoStill) -> int:
    """Read back from the picture which frame it is: the length of the blue bar tells."""
    row = np.asarray(still.image(), dtype=int)[42]
    blue = (row[:, 2] > 150) & (row[:, 0] < 70)
    return round(blue.sum() / 4) - 1


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx265"),
        ("a.gif", "gif"),
        ("a.avi", "mjpeg"),
        ("b.avi", "libx264"),
        ("a.ts", "libx264"),
    ],
)
def test_every_codec_gives_the_frame_that_was_shown_then(make_clip: MakeClip, name: str, codec: str) -> None:
    video = open_video(make_clip(name, codec=codec))

    assert video.size_wh == (336, 64)
    assert video.timeline.duration_s == pytest.approx(3.0, abs=0.02)
    assert video.damage is None
    stills, damage = decode(video, [video.timeline.nearest(time_s) for time_s in (0.0, 0.7, 1.52, 2.9)])
    assert damage == []
    assert [moment(still) for still in stills] == [0, 7, 15, 29]


def test_a_raw_stream_without_times_is_counted_at_its_rate(make_clip: MakeClip) -> None:
    video = open_video(make_clip("a.h264", frames=50))

    assert (video.damage, video.note) == (None, "its frames carry no times and count as 25 a second")
    assert video.timeline.duration_s == pytest.approx(2.0)
    stills, _ = decode(video, [video.timeline.nearest(1.0)])
    assert moment(stills[0]) == 25


def test_uneven_frame_times_are_kept(make_clip: MakeClip) -> None:
    video = open_video(make_clip(frames=4, times=[0, 1, 30, 31]))

    assert video.timeline.offsets_s == pytest.approx((0.0, 0.1, 3.0, 3.1))
    assert video.timeline.every(1.0) == pytest.approx([0.0, 3.0])


def test_seeking_gives_the_same_pictures_as_decoding_through(make_clip: MakeClip) -> None:
    video = open_video(make_clip(frames=46, times=[index * 10 for index in range(46)]))
    every_frame, _ = decode(video, list(video.timeline.offsets_s))
    sparse_s = list(video.timeline.offsets_s[3::19])

    sparse, damage = decode(video, sparse_s)

    assert damage == []
    assert [still.offset_s for still in sparse] == pytest.approx(sparse_s)
    wanted = [every_frame[index].image().tobytes() for index in range(3, 46, 19)]
    assert [still.image().tobytes() for still in sparse] == wanted


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotated_recordings_stand_upright(make_clip: MakeClip, rotation: int) -> None:
    upright, _ = decode(open_video(make_clip("upright.mp4")), [0.0])
    video = open_video(make_clip("rotated.mp4", rotation=rotation))
    rotated, _ = decode(video, [0.0])

    assert video.size_wh == ((336, 64) if rotation == 180 else (64, 336))
    expected = upright[0].image().rotate(rotation, expand=True)
    assert np.abs(np.asarray(rotated[0].image(), int) - np.asarray(expected, int)).max() == 0


def test_the_header_tells_when_it_was_recorded(make_clip: MakeClip) -> None:
    told = open_video(make_clip(metadata={"creation_time": "2026-03-02T08:00:00Z"}))
    unset = open_video(make_clip("unset.mp4", metadata={"creation_time": "1970-01-01T00:00:00Z"}))

    assert told.created_at is not None
    assert told.created_at.isoformat() == "2026-03-02T08:00:00+00:00"
    assert unset.created_at is None


def test_a_header_with_a_time_beyond_the_calendar_tells_none(make_clip: MakeClip) -> None:
    clip = make_clip("late.flv", codec="flv1", fps=25, metadata={"creation_time": "2026-03-02T08:00:00Z"})
    written = b"2026-03-02T08:00:00.000000Z"
    assert written in clip.read_bytes()
    clip.write_bytes(clip.read_bytes().replace(written, b"9999-12-31T23:00:00.0-05:00"))

    assert open_video(clip).created_at is None


def test_a_file_that_breaks_off_gives_what_is_there(make_clip: MakeClip, tmp_path: Path) -> None:
    whole = make_clip(frames=80, options={"movflags": "faststart"})
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    video = open_video(broken)

    assert video.damage is not None
    assert "breaks off" in video.damage
    assert 1.0 < video.timeline.duration_s < 7.0
    stills, _ = decode(video, [0.0, 1.0])
    assert [moment(still) for still in stills] == [0, 10]


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.flv", "flv1")])
def test_what_breaks_off_is_told_of_other_containers_too(make_clip: MakeClip, name: str, codec: str) -> None:
    clip = make_clip(name, codec=codec, frames=80, fps=25)
    assert open_video(clip).damage is None

    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])

    assert "of the 3.2" in str(open_video(clip).damage)


def test_sound_that_lasts_longer_is_no_damage(make_clip: MakeClip) -> None:
    clip = make_clip("a.mkv", frames=80, fps=25)
    with_sound = clip.with_name("sound.mkv")
    with av.open(str(clip)) as source, av.open(str(with_sound), "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        sound = container.add_stream("pcm_s16le", rate=8000)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                container.mux(packet)
        for second in range(9):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
            frame.rate, frame.pts = 8000, 8000 * second
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))

    assert open_video(with_sound).damage is None
    with_sound.write_bytes(with_sound.read_bytes()[: with_sound.stat().st_size // 8])
    assert "of the 3.2" in str(open_video(with_sound).damage)


def test_damage_in_the_middle_costs_its_frames_only(make_clip: MakeClip, tmp_path: Path) -> None:
    content = bytearray(make_clip("a.avi", codec="mjpeg").read_bytes())
    start = len(content) // 2
    content[start : start + 3000] = bytes(3000)
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(content)

    video = open_video(damaged)
    stills, damage = decode(video, list(video.timeline.offsets_s))

    assert 20 <= len(stills) <= 30
    assert moment(stills[0]) == 0
    assert all("cannot be decoded" in told for told in damage)


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "an empty file"), (b"no video at all" * 400, "invalid data"), (None, "none there")]
)
def test_what_is_no_video_is_told_in_one_sentence(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "cam.mp4"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(FootageError, match=told) as caught:
        open_video(path)

    assert "cam.mp4" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_header_is_told(make_clip: MakeClip, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(make_clip(frames=80).read_bytes()[:4000])

    with pytest.raises(FootageError, match=r"broken\.mp4"):
        open_video(broken)


def test_times_that_run_over_months_are_told(make_clip: MakeClip) -> None:
    with pytest.raises(FootageError, match="frame times that run over 93 days"):
        open_video(make_clip("a.mkv", frames=3, fps=1, times=[0, 1, 4_000_000]))


@pytest.mark.parametrize("field", [20, 24])
def test_a_header_without_a_frame_rate_leaves_the_real_times(make_clip: MakeClip, tmp_path: Path, field: int) -> None:
    content = bytearray(make_clip("a.avi", codec="mjpeg", fps=25).read_bytes())
    at = content.index(b"strh") + 8 + field
    content[at : at + 4] = bytes(4)
    broken = tmp_path / "zero.avi"
    broken.write_bytes(content)

    video = open_video(broken)

    assert len(video.timeline.offsets_s) == 30
    assert video.timeline.duration_s == pytest.approx(1.2)


def test_a_canvas_of_absurd_size_is_refused_before_it_is_filled(make_clip: MakeClip, tmp_path: Path) -> None:
    content = bytearray(make_clip("a.gif", codec="gif").read_bytes())
    content[6:10] = b"\xff\xff\xff\xff"
    huge = tmp_path / "huge.gif"
    huge.write_bytes(content)

    with pytest.raises(FootageError, match=r"huge\.gif"):
        open_video(huge)


def test_sound_alone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    with pytest.raises(FootageError, match=r"a video stream in sound\.wav"):
        open_video(path)


def test_absurd_dimensions_are_refused(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PIXELS > 7680 * 4320
    monkeypatch.setattr("workbench.footage.video_scan.MAX_PIXELS", 1_000)

    with pytest.raises(FootageError, match="336 x 64"):
        open_video(make_clip())
