import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from workbench.domain import Mask, Sampling
from workbench.errors import FootageError, LabelFileError, NotFoundError, StorageError, UsageError
from workbench.workflows.ingest import ingest
from workbench.workflows.privacy import hide
from workbench.workflows.sampling_log import SamplingLog
from workbench.workflows.sites import add_camera, add_site
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def take(workspace: Workspace, source: Path, camera: str = "gate", **how: object) -> Sampling:
    return ingest(workspace, str(source), site="yard", camera=camera, actor="ann", **how)  # type: ignore[arg-type]


def labels(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["video,time_s,class,caption", *rows]) + "\n", encoding="utf-8")
    return path


def test_frames_are_stored_by_their_content_with_clip_and_time(workspace: Workspace, make_clip: MakeClip) -> None:
    report = take(workspace, make_clip("cam_20260302T080000Z.mp4"))

    assert (report.frames_found, report.frames_added, report.frames_known, report.problems) == (3, 3, 0, ())
    frames = workspace.store.footage.frames("yard", camera="gate")
    assert [frame.offset_s for frame in frames] == [0.0, 1.0, 2.0]
    assert [frame.taken_at for frame in frames] == [START + timedelta(seconds=second) for second in range(3)]
    assert workspace.frame_files.read(frames[0].id).startswith(b"\xff\xd8")
    assert [event.action for event in workspace.store.audit.events("yard")][-2:] == ["clip.add", "footage.ingest"]
    assert report.starts == {"file name": 1}
    assert (report.since, report.until) == (START, START + timedelta(seconds=2))
    assert workspace.store.samplings.newest("yard", 5) == [report]


def test_the_same_again_adds_nothing(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip()
    take(workspace, clip)
    frames, events = workspace.store.footage.frames("yard"), workspace.store.audit.events()

    clip.touch()
    again = take(workspace, clip)

    assert (again.frames_found, again.frames_added, again.frames_known) == (3, 0, 3)
    assert workspace.store.footage.frames("yard") == frames
    assert workspace.store.audit.events() == events


def test_regular_and_labelled_times_add_up(workspace: Workspace, make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip()
    take(workspace, clip)

    at = labels(tmp_path, "cam.mp4,1.0,clear,Empty.", "cam.mp4,1.54,truck,A truck.", "other.mp4,99,clear,Empty.")
    report = take(workspace, clip, at=at)

    assert (report.frames_found, report.frames_added) == (2, 1)
    assert [frame.offset_s for frame in workspace.store.footage.frames("yard")] == [0.0, 1.0, 1.5, 2.0]


def test_labelled_times_are_found_again_however_slow_the_camera(
    workspace: Workspace, make_clip: MakeClip, tmp_path: Path
) -> None:
    slow = make_clip(fps=2, frames=10)

    take(workspace, slow, at=labels(tmp_path, "cam.mp4,1.2,clear,Empty."))

    frame = workspace.store.footage.frame_at("yard", "cam.mp4", 1.2)
    assert frame is not None
    assert frame.offset_s == 1.0


def test_one_bad_file_of_a_folder_does_not_stop_the_others(workspace: Workspace, make_clip: MakeClip) -> None:
    folder = make_clip("good.mp4").parent
    (folder / "bad.mp4").write_bytes(b"nothing that plays" * 100)

    report = take(workspace, folder)

    assert report.clips == ("good.mp4",)
    assert report.frames_added == 3
    assert len(report.problems) == 1
    assert report.problems[0].startswith("bad.mp4: Expected a video")


def test_names_of_files_do_not_break_a_report(workspace: Workspace, make_clip: MakeClip) -> None:
    folder = make_clip("good.mp4").parent
    for name in (b"b\xe4d.mp4", b"two\nlines.mp4"):
        (folder / os.fsdecode(name)).write_bytes(b"")

    report = take(workspace, folder)

    assert report.frames_added == 3
    assert [problem.partition(": Expected")[0] for problem in report.problems] == [r"b\udce4d.mp4", r"two\nlines.mp4"]
    assert r"a video in two\nlines.mp4" in report.problems[1]
    assert workspace.store.samplings.newest("yard", 1) == [report]


def test_a_report_names_a_source_without_its_password(workspace: Workspace) -> None:
    camera = workspace.store.sites.camera("yard", "gate")

    with SamplingLog(workspace, camera, "sftp://ann:s3cret@nas/march", actor="ann") as log:
        pass

    assert log.sampling.source == "sftp://nas/march"


def test_the_stills_of_the_workbench_are_not_taken_again(workspace: Workspace, make_clip: MakeClip) -> None:
    take(workspace, make_clip())

    with pytest.raises(FootageError, match="that are not the workbench's own"):
        take(workspace, workspace.settings.home)


def test_a_start_at_the_end_of_the_calendar_is_told(workspace: Workspace, make_clip: MakeClip) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    with pytest.raises(FootageError, match=r"a start of cam\.mp4 after which its 3 s have dates.*9999-12-31"):
        take(workspace, make_clip(), started_at=last)
    assert workspace.store.footage.clips("yard") == []


def test_what_is_still_being_copied_is_left_for_later(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip(frames=80, options={"movflags": "faststart"})
    folder, whole = clip.parent, clip.read_bytes()
    make_clip("other.mp4")
    clip.write_bytes(whole[: len(whole) * 6 // 10])

    half = take(workspace, folder)
    clip.write_bytes(whole)
    again = take(workspace, folder)

    assert half.clips == ("other.mp4",)
    assert "a file that still changes: the file breaks off" in half.problems[0]
    assert (again.clips, again.problems) == (("cam.mp4", "other.mp4"), ())


def test_what_has_broken_off_for_good_is_taken_as_far_as_it_goes(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip(frames=80, options={"movflags": "faststart"})
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 6 // 10])
    os.utime(clip, (1_700_000_000, 1_700_000_000))

    report = take(workspace, clip)

    assert report.frames_added > 1
    assert "breaks off" in report.problems[0]


def test_a_bad_file_alone_is_an_error_and_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(FootageError, match=r"missing\.mp4"):
        take(workspace, tmp_path / "missing.mp4")

    assert workspace.store.footage.clips("yard") == []


def test_times_beyond_the_end_are_told_together_before_anything_is_stored(
    workspace: Workspace, make_clip: MakeClip, tmp_path: Path
) -> None:
    make_clip("other.mp4")
    at = labels(tmp_path, "cam.mp4,1.0,clear,a", "cam.mp4,3.5,clear,b", "cam.mp4,40,clear,c", "other.mp4,7,clear,d")

    with pytest.raises(FootageError) as caught:
        take(workspace, make_clip().parent, at=at)

    for told in ("cam.mp4 ends at 3.00 s", "3.5 s, 40 s", "other.mp4 ends at 3.00 s", "7 s"):
        assert told in str(caught.value)
    assert workspace.store.footage.clips("yard") == []
    assert workspace.store.footage.frames("yard") == []


def test_labels_for_other_videos_only_are_told(workspace: Workspace, make_clip: MakeClip, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match=r"rows for cam\.mp4"):
        take(workspace, make_clip(), at=labels(tmp_path, "other.mp4,1,clear,Empty."))


def test_an_unknown_camera_is_told_with_those_that_are_known(workspace: Workspace, make_clip: MakeClip) -> None:
    with pytest.raises(NotFoundError, match="dock, gate"):
        take(workspace, make_clip(), camera="gaet")


def test_a_recording_stays_with_its_camera_and_start(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip()
    take(workspace, clip, started_at=START)

    with pytest.raises(FootageError, match="camera gate"):
        take(workspace, clip, camera="dock")
    with pytest.raises(FootageError, match="2026-03-02T08:00:00"):
        take(workspace, clip, started_at=START + timedelta(hours=1))


def test_a_name_stands_for_one_recording(workspace: Workspace, make_clip: MakeClip) -> None:
    take(workspace, make_clip())

    with pytest.raises(FootageError, match="one recording named"):
        take(workspace, make_clip(frames=12))


def test_another_site_may_have_the_same_footage(workspace: Workspace, make_clip: MakeClip) -> None:
    clip = make_clip()
    take(workspace, clip)
    add_site(workspace, "field", ["a", "b"], actor="ann")
    add_camera(workspace, "field", "gate", actor="ann")

    report = ingest(workspace, str(clip), site="field", camera="gate", actor="ann")

    assert report.frames_added == 3
    assert len(workspace.store.footage.frames("field")) == 3


def test_a_full_disk_is_told_and_finished_clips_stay(
    workspace: Workspace, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_clip("a.mp4").parent
    make_clip("b.mp4", frames=25)
    write, written = type(workspace.frame_files).write, 0

    def write_until_full(files: object, jpeg: bytes) -> str:
        nonlocal written
        written += 1
        if written > 4:
            raise StorageError(expected="room for a frame", found="no space left on device", remedy="free some space")
        return write(files, jpeg)  # type: ignore[arg-type]

    monkeypatch.setattr(type(workspace.frame_files), "write", write_until_full)

    with pytest.raises(StorageError, match="no space left"):
        take(workspace, folder)

    assert [clip.name for clip in workspace.store.footage.clips("yard")] == ["a.mp4"]
    assert len(workspace.store.footage.frames("yard")) == 3


def test_a_stream_has_no_start_of_its_own(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no start") as caught:
        ingest(workspace, "rtsp://ann:s3cret@cam/1", site="yard", camera="gate", started_at=START, actor="ann")

    assert "s3cret" not in str(caught.value)


def test_the_shared_footage_gives_a_frame_for_every_label(workspace: Workspace, shared_footage: Path) -> None:
    at = shared_footage / "labels.csv"

    car = take(workspace, shared_footage / "car-detection.mp4", at=at)
    room = take(workspace, shared_footage / "one-by-one-person-detection.mp4", camera="dock", at=at)

    assert car.frames_found + room.frames_found == 122
    assert len(workspace.store.footage.frames("yard")) == 122
    assert (*car.problems, *room.problems) == ()


def test_what_a_camera_hides_is_covered_before_it_is_stored(workspace: Workspace, make_clip: MakeClip) -> None:
    hide(
        workspace, site="yard", camera="gate", masks=[Mask(((0, 0), (1, 0), (1, 1), (0, 1)))], faces=False, actor="ann"
    )
    take(workspace, make_clip())
    for frame in workspace.store.footage.frames("yard"):
        stored = Image.open(BytesIO(workspace.frame_files.read(frame.id)))
        assert max(high for _, high in stored.getextrema()) < 10


def test_stills_read_while_an_area_is_hidden_are_not_kept_uncovered(workspace: Workspace, make_clip: MakeClip) -> None:
    def hide_meanwhile(done: int, total: int | None, what: str) -> None:
        area = Mask(((0, 0), (1, 0), (1, 1)))
        hide(workspace, site="yard", camera="gate", masks=[area], faces=False, actor="ann")

    with pytest.raises(FootageError, match="other hidden areas since"):
        take(workspace, make_clip(), progress=hide_meanwhile)
    assert workspace.store.footage.frames("yard") == []
    assert list(workspace.settings.frames_dir.rglob("*.jpg")) == []
