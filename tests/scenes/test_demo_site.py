"""The demo site: the committed clips and labels fit together, and rendering repeats them."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from workbench.errors import StorageError
from workbench.scenes.clip_file import write_clip
from workbench.scenes.demo_script import CLASS_NAMES, CLEAR, write_script
from workbench.scenes.demo_site import (
    DEMO_SIZE_WH,
    LABELS_FILE,
    NEXT_DAY_CAMERA,
    NEXT_DAY_FOLDER,
    quiet_stills,
    render_demo_site,
)
from workbench.scenes.demo_views import VIEWS, View

COMMITTED = Path(__file__).parents[2] / "data" / "demo"
SMALL_WH = (96, 54)
MAX_BYTES = 8_000_000


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a label file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def decode(path: Path) -> npt.NDArray[np.uint8]:
    """Return all frames of a clip, shape (frames, height, width, 3)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """Return the committed labels."""
    return read_rows(COMMITTED / LABELS_FILE)


def test_clips_fit_into_eight_megabytes_and_have_labels(rows: list[dict[str, str]]) -> None:
    clips = sorted(COMMITTED.glob("*.mp4"))
    assert len(clips) == 15
    assert sum(clip.stat().st_size for clip in COMMITTED.rglob("*.mp4")) <= MAX_BYTES
    assert {clip.name for clip in clips} == {row["video"] for row in rows}


def test_names_tell_camera_and_start(rows: list[dict[str, str]]) -> None:
    for video in {row["video"] for row in rows}:
        match = re.fullmatch(r"([a-z]+)_20260302T\d{6}Z\.mp4", video)
        assert match is not None, video
        assert match[1] in {view.camera_name for view in VIEWS}, video


def test_every_time_lies_within_its_h264_clip(rows: list[dict[str, str]]) -> None:
    times: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        times[row["video"]].append(float(row["time_s"]))
    for video, of_clip in times.items():
        with av.open(str(COMMITTED / video)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert (stream.width, stream.height) == DEMO_SIZE_WH
            assert container.duration is not None
            assert min(of_clip) >= 0
            assert max(of_clip) < container.duration / 1_000_000


def test_every_clip_shows_every_class(rows: list[dict[str, str]]) -> None:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        seen[row["video"]].add(row["class"])
    assert all(classes == set(CLASS_NAMES) for classes in seen.values())


def test_there_are_enough_labels_of_every_class(rows: list[dict[str, str]]) -> None:
    assert 260 <= len(rows) <= 400
    assert all(sum(row["class"] == name for row in rows) >= 40 for name in CLASS_NAMES)


def test_captions_name_the_place_that_the_camera_sees(rows: list[dict[str, str]]) -> None:
    spoken = {view.camera_name: view.spoken_name for view in VIEWS}
    for row in rows:
        assert spoken[row["video"].split("_")[0]] in row["caption"].lower(), row
        assert 6 <= len(row["caption"].split()) <= 16, row


def test_rendering_again_gives_the_committed_labels(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    report = render_demo_site(tmp_path, clips_per_camera=1, size_wh=SMALL_WH)
    assert len(report.clip_paths) == len(VIEWS)
    written = (*report.clip_paths, *report.next_day_paths)
    assert report.total_bytes == sum(path.stat().st_size for path in written)
    names = {path.name for path in report.clip_paths}
    assert read_rows(report.labels_path) == [row for row in rows if row["video"] in names]
    for path in (report.clip_paths[0], report.next_day_paths[0]):
        frames, committed = decode(path), decode(COMMITTED / path.relative_to(tmp_path))
        assert len(frames) == len(committed)
        assert abs(float(frames.mean()) - float(committed.mean())) < 3


def test_next_day_one_camera_is_darker() -> None:
    later = sorted((COMMITTED / NEXT_DAY_FOLDER).glob("*.mp4"))
    assert [path.name.split("T")[0] for path in later] == [f"{NEXT_DAY_CAMERA}_20260303"] * 5
    before = decode(next(COMMITTED.glob(f"{NEXT_DAY_CAMERA}_*.mp4")))
    assert decode(later[0]).mean() < 0.7 * before.mean()


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StorageError, match="a folder for the demo site's clips"):
        render_demo_site(tmp_path / "taken", clips_per_camera=1, size_wh=SMALL_WH)


def test_a_broken_off_clip_leaves_nothing_behind(tmp_path: Path) -> None:
    def frames() -> Iterator[Image.Image]:
        yield Image.new("RGB", SMALL_WH)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(tmp_path / "clip.mp4", frames(), fps=5, size_wh=SMALL_WH, crf=30)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.camera_name)
def test_a_label_says_clear_only_when_nobody_is_seen(view: View) -> None:
    script, camera = write_script(view, Random(1)), view.camera(SMALL_WH)
    for tenth in range(int(script.length_s * 10)):
        time_s = tenth / 10
        seen = [
            track.seen_at(time_s - episode.start_s, camera) for episode in script.episodes for track in episode.tracks
        ]
        label = script.label_at(time_s, camera)
        assert (label is not None and label[0] == CLEAR) == (max(seen) <= 0.02)


def test_instants_one_could_argue_about_have_no_label() -> None:
    view = VIEWS[0]
    script, camera = write_script(view, Random(1)), view.camera(SMALL_WH)
    blocking = next(episode for episode in script.episodes if episode.class_name == "keep_clear_blocked")
    while_pushing_s = blocking.start_s + blocking.true_from_s - 0.2
    while_alone_s = blocking.start_s + (blocking.true_from_s + blocking.true_to_s) / 2
    assert script.label_at(while_pushing_s, camera) is None
    assert script.label_at(while_alone_s, camera) == ("keep_clear_blocked", blocking.caption)


def test_longer_pauses_leave_the_episodes_as_they_are() -> None:
    usual, quiet = (write_script(VIEWS[0], Random(1), pauses_s=pauses) for pauses in ((0.8, 1.6), (20.0, 60.0)))
    told = [[(one.caption, one.length_s) for one in script.episodes] for script in (usual, quiet)]
    assert told[0] == told[1]
    assert quiet.length_s > usual.length_s + 4 * 20 - 8


def test_on_quiet_days_most_stills_show_nothing() -> None:
    stills = list(quiet_stills(range(1), every_s=10, size_wh=SMALL_WH))
    assert {one.taken_at.second % 10 for one in stills} == {0}
    assert sum(one.class_name == CLEAR for one in stills) > 0.7 * len(stills)
    assert {one.class_name for one in stills} <= {*CLASS_NAMES, ""}
    assert all(bool(one.class_name) == bool(one.caption) for one in stills)
