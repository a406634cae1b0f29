import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from tests.footage.clips import encode, noisy_scene
from workbench.domain import Mask
from workbench.errors import FootageError
from workbench.footage.motion import ChangeDetection
from workbench.footage.sampling import SamplingPlan, plan_at, plan_changes, plan_every, plan_keyframes
from workbench.footage.timeline import Timeline
from workbench.footage.video_files import VideoFile, open_video

MakeClip = Callable[..., Path]

CODECS = {
    "h264-b-frames": ("a.mp4", "libx264", {"g": "10", "bf": "3", "sc_threshold": "0"}),
    "h264-open-groups": ("a.mp4", "libx264", {"g": "10", "x264-params": "open-gop=1:scenecut=0:bframes=3"}),
    "h264-in-ts": ("a.ts", "libx264", {"g": "10", "bf": "2"}),
    "h264-raw": ("a.h264", "libx264", {"g": "10", "bf": "0"}),
    "h264-in-avi": ("a.avi", "libx264", {"g": "10", "bf": "3"}),
    "hevc": ("a.mp4", "libx265", {"x265-params": "log-level=none:keyint=10:bframes=3"}),
    "vp9": ("a.webm", "libvpx-vp9", {"g": "10", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg2": ("a.mpg", "mpeg2video", {"g": "10", "bf": "2"}),
    "mjpeg": ("a.avi", "mjpeg", {}),
}
FPS = {"mpeg2": 25}


def take(plan: SamplingPlan) -> tuple[list[float], list[np.ndarray], list[str]]:  # type: ignore[type-arg]
    damage: list[str] = []
    taken = [(offset_s, np.asarray(still.image())) for offset_s, still in plan.stills(on_damage=damage.append)]
    return [offset_s for offset_s, _ in taken], [pixels for _, pixels in taken], damage


def every_frame(path: Path) -> list[np.ndarray]:  # type: ignore[type-arg]
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_image()) for frame in container.decode(video=0)]


def at(video: VideoFile, offsets_s: Sequence[float]) -> list[int]:
    return [list(video.timeline.offsets_s).index(offset_s) for offset_s in offsets_s]


@pytest.fixture(params=CODECS)
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name, codec, options = CODECS[request.param]
    fps = FPS.get(request.param, 10)
    return encode(tmp_path / name, noisy_scene((128, 96), 44), codec=codec, ticks_per_s=fps, options=options)


def test_what_is_skipped_changes_no_pixel_of_what_is_taken(clip: Path) -> None:
    video = open_video(clip)
    plan = SamplingPlan(video, {offset_s: frozenset() for offset_s in video.timeline.offsets_s[1::5]})

    offsets_s, pictures, damage = take(plan)

    assert damage == []
    assert at(video, offsets_s) == list(range(1, 44, 5))
    frames = every_frame(clip)
    for index, picture in zip(at(video, offsets_s), pictures, strict=True):
        assert np.array_equal(picture, frames[index])


def test_keyframes_are_the_pictures_that_a_full_decode_shows_then(clip: Path) -> None:
    video = open_video(clip)

    offsets_s, pictures, damage = take(plan_keyframes(video))

    assert damage == []
    assert len(offsets_s) >= 3
    assert offsets_s == list(video.timeline.keyframes_s)
    frames = every_frame(clip)
    for index, picture in zip(at(video, offsets_s), pictures, strict=True):
        assert np.array_equal(picture, frames[index])


def test_keyframe_mode_decodes_nothing_else(tmp_path: Path) -> None:
    good = encode(tmp_path / "good.mp4", noisy_scene((128, 96), 40), options={"g": "10", "sc_threshold": "0"})
    content = bytearray(good.read_bytes())
    with av.open(str(good)) as container:
        for packet in container.demux(video=0):
            if packet.size and not packet.is_keyframe and packet.pos is not None:
                content[packet.pos + 5 : packet.pos + packet.size] = bytes(packet.size - 5)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content)

    _, wanted, _ = take(plan_keyframes(open_video(good)))
    _, pictures, damage = take(plan_keyframes(open_video(broken)))

    assert damage == []
    assert len(pictures) == 4
    assert all(np.array_equal(one, other) for one, other in zip(pictures, wanted, strict=True))
    _, everything, _ = take(plan_every(open_video(broken), 0.5, until_s=None))
    assert not all(np.array_equal(one, other) for one, other in zip(everything[::2], wanted, strict=False))


def test_keyframes_are_thinned_to_at_least_the_interval(tmp_path: Path) -> None:
    clip = encode(tmp_path / "a.mp4", noisy_scene((128, 96), 60), options={"g": "10", "sc_threshold": "0"})
    video = open_video(clip)

    assert list(plan_keyframes(video).instants_s) == pytest.approx([0, 1, 2, 3, 4, 5])
    assert list(plan_keyframes(video, 1.0).instants_s) == pytest.approx([0, 1, 2, 3, 4, 5])
    assert list(plan_keyframes(video, 1.5).instants_s) == pytest.approx([0, 2, 4])
    assert list(plan_keyframes(video, 2.0, until_s=4.0).instants_s) == pytest.approx([0, 2])


def test_trembling_keyframe_times_do_not_halve_the_sampling() -> None:
    keyframes_s = (0.0, 0.99, 2.0, 2.98, 4.0)

    assert Timeline(keyframes_s, keyframes_s, 0.04).keyframes_every(1.0) == list(keyframes_s)


def test_a_refresh_without_keyframes_is_told(tmp_path: Path) -> None:
    options = {"x264-params": "intra-refresh=1:keyint=10"}
    clip = encode(tmp_path / "a.mp4", noisy_scene((128, 96), 40), options=options)
    video = open_video(clip)

    offsets_s, _, damage = take(plan_keyframes(video))

    assert offsets_s == [0.0]
    assert damage == [f"a.mp4: the frame at {offset_s:.2f} s cannot be decoded by itself"
                      for offset_s in video.timeline.keyframes_s[1:]]  # fmt: skip


def test_a_variable_frame_rate_is_sampled_by_its_real_times(tmp_path: Path) -> None:
    ticks = [*range(0, 1000, 40), *range(1000, 6000, 500), 6000, 9990, *range(10_000, 11_000, 100)]
    clip = encode(tmp_path / "vfr.mp4", noisy_scene((128, 96), len(ticks)), ticks=ticks, ticks_per_s=1000)
    video = open_video(clip)

    assert video.timeline.offsets_s == pytest.approx([tick / 1000 for tick in ticks])
    assert video.timeline.duration_s == pytest.approx(11.0)
    assert list(plan_every(video, 1.0, until_s=None).instants_s) == pytest.approx([0, 1, 2, 3, 4, 5, 6, 10])
    offsets_s, pictures, _ = take(plan_every(video, 1.0, until_s=None))
    frames = every_frame(clip)
    for index, picture in zip(at(video, offsets_s), pictures, strict=True):
        assert np.array_equal(picture, frames[index])


def test_a_gap_of_years_costs_no_time() -> None:
    assert Timeline((0.0, 1e9), (0.0,), 1.0).every(1.0) == [0.0, 1e9]


def test_times_asked_for_are_kept_beside_the_frames_own(make_clip: MakeClip) -> None:
    plan = plan_at(open_video(make_clip()), [1.04, 1.5])

    assert {round(key, 3): sorted(value) for key, value in plan.instants_s.items()} == {1.0: [1.0, 1.04], 1.5: [1.5]}


def test_a_still_scene_gives_few_stills_a_walker_several_and_one_behind_a_mask_none(tmp_path: Path) -> None:
    still = noisy_scene((320, 192), 60, noise=12)
    walker = [picture.copy() for picture in still]
    for second in range(20, 30):
        left = 20 + 28 * (second - 20)
        walker[second][80:140, left : left + 20] = 230
    quiet = open_video(encode(tmp_path / "quiet.mp4", still, ticks_per_s=1))
    busy = open_video(encode(tmp_path / "busy.mp4", walker, ticks_per_s=1))

    floor = Mask(((0.0, 0.35), (1.0, 0.35), (1.0, 0.8), (0.0, 0.8)))

    quiet_s, _, _ = take(plan_changes(quiet, ChangeDetection()))
    busy_s, _, _ = take(plan_changes(busy, ChangeDetection()))
    hidden_s, _, _ = take(plan_changes(busy, ChangeDetection(), masks=[floor]))

    assert 1 <= len(quiet_s) <= 2
    assert hidden_s == quiet_s
    assert len([offset_s for offset_s in busy_s if 20 <= offset_s < 30]) >= 5
    assert len([offset_s for offset_s in busy_s if not 20 <= offset_s < 30]) <= 3


def test_changes_can_be_looked_for_among_keyframes_alone(tmp_path: Path) -> None:
    pictures = noisy_scene((320, 192), 40)
    for picture in pictures[20:]:
        picture[40:120, 100:200] = 20
    video = open_video(encode(tmp_path / "a.mp4", pictures, options={"g": "10", "sc_threshold": "0"}))
    plan = plan_changes(video, ChangeDetection(), keyframes_only=True)
    looks: list[int] = []

    taken = [offset_s for offset_s, _ in plan.stills(on_damage=print, on_look=looks.append)]

    assert taken == pytest.approx([0.0, 2.0])
    assert looks == [1, 2, 3, 4]


def test_stopping_half_way_leaves_nothing_behind(make_clip: MakeClip) -> None:
    video = open_video(make_clip(frames=200))
    files = set(Path("/proc/self/fd").iterdir())
    for plan in (plan_every(video, 0.5, until_s=None), plan_keyframes(video)):
        stills = plan.stills(on_damage=print)
        next(iter(stills))
        stills.close()  # type: ignore[attr-defined]

    assert set(Path("/proc/self/fd").iterdir()) == files
    assert [thread for thread in threading.enumerate() if thread.name.startswith("footage")] == []


def test_stills_come_at_the_stored_size_and_upright(make_clip: MakeClip) -> None:
    video = open_video(make_clip("rotated.mp4", rotation=90))
    _, still = next(iter(video.stills([0.0], on_damage=print)))

    assert still.image().size == (64, 336)
    assert still.image(long_side_px=168).size == (32, 168)
    assert still.image(long_side_px=1280).size == (64, 336)
    grey = still.grey((32, 168))
    assert grey.shape == (168, 32)
    small = still.image(long_side_px=168).convert("L")
    assert np.abs(grey.astype(int) - np.asarray(small, int)).mean() < 6


@pytest.mark.parametrize(
    "bad", [{"look_every_s": 0.0}, {"longest_s": -1.0}, {"changed_share": 0.0}, {"changed_share": 1.5}]
)
def test_a_detection_that_cannot_be_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(FootageError, match="share of the view"):
        ChangeDetection(**bad)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv", "a.mov", "a.avi", "a.mpg"])
def test_seeking_finds_the_same_pictures_in_every_container(tmp_path: Path, name: str) -> None:
    codec = "mpeg2video" if name == "a.mpg" else "libx264"
    options = {"g": "40", "bf": "2"}
    clip = encode(tmp_path / name, noisy_scene((128, 96), 1000), codec=codec, ticks_per_s=25, options=options)
    video = open_video(clip)
    wanted_s = video.timeline.every(8.7)

    offsets_s, pictures, damage = take(plan_every(video, 8.7, until_s=None))

    assert damage == []
    assert offsets_s == wanted_s
    assert len(offsets_s) == 5
    frames = every_frame(clip)
    for index, picture in zip(at(video, offsets_s), pictures, strict=True):
        assert np.array_equal(picture, frames[index])


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_keyframes_of_rotated_recordings_stand_upright(make_clip: MakeClip, rotation: int) -> None:
    video = open_video(make_clip("rotated.mp4", rotation=rotation))

    _, keyframes, _ = take(plan_keyframes(video))
    _, frames, _ = take(plan_at(video, video.timeline.keyframes_s))

    assert len(keyframes) == 3
    assert keyframes[0].shape == ((64, 336, 3) if rotation == 180 else (336, 64, 3))
    assert all(np.array_equal(one, other) for one, other in zip(keyframes, frames, strict=True))
