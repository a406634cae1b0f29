"""Hiding a part of a view covers what was taken before too: in the store and in Label Studio, and nothing is lost."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.services import free_port
from workbench.domain import Clip, Frame, Mask, Site, Split
from workbench.errors import NotFoundError, StorageError
from workbench.footage.pictures import Jpeg
from workbench.labeling.studio import Studio
from workbench.workflows import label
from workbench.workflows.import_labels import import_labels
from workbench.workflows.privacy import PrivacyReport, hide
from workbench.workflows.still_keeper import StillKeeper, TakenStill
from workbench.workflows.workspace import Workspace

ACTOR = "tester"
FRAMES = 3
LEFT_HALF = Mask(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def noise_jpeg(seed: int) -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def take_stills(workspace: Workspace, site: str) -> list[Frame]:
    """Store a clip with one still a second."""
    clip = Clip("d" * 64, site, "north", "gate.mp4", STARTED_AT, float(FRAMES), (64, 48))
    frames = [
        Frame(
            id=workspace.frame_files.write(noise_jpeg(second)),
            site=site,
            camera="north",
            clip_id=clip.id,
            clip_name=clip.name,
            offset_s=float(second),
            taken_at=STARTED_AT + timedelta(seconds=second),
            size_wh=(64, 48),
        )
        for second in range(FRAMES)
    ]
    workspace.store.footage.add_clip(clip)
    workspace.store.footage.add_frames(frames)
    return frames


def hide_left(workspace: Workspace, site: str) -> PrivacyReport:
    return hide(workspace, site=site, camera="north", masks=[LEFT_HALF], faces=False, actor=ACTOR)


def left_and_right(jpeg: bytes) -> tuple[int, float]:
    """Return how bright the left half is at its brightest, and how lively the right half is."""
    pixels = np.asarray(Image.open(BytesIO(jpeg)))
    return int(pixels[:, :30].max()), float(pixels[:, 36:].std())


def test_the_original_pixels_cannot_be_had_back(workspace: Workspace, yard: Site) -> None:
    before = take_stills(workspace, yard.name)
    for frame in before:
        workspace.frame_files.thumbnail(frame.id)

    report = hide_left(workspace, yard.name)

    assert (report.stills_covered, report.datasets, report.problems) == (FRAMES, (), ())
    after = workspace.store.footage.frames(yard.name)
    assert [frame.taken_at for frame in after] == [frame.taken_at for frame in before]
    assert not {frame.id for frame in after} & {frame.id for frame in before}
    for frame in before:
        with pytest.raises(StorageError):
            workspace.frame_files.read(frame.id)
    for file in Path(workspace.settings.frames_dir).rglob("*.jpg"):
        brightest, lively = left_and_right(file.read_bytes())
        assert brightest < 60, file
        assert lively > 20, file
    assert workspace.store.footage.frame_at(yard.name, "gate.mp4", 1.0) == after[1]
    assert [event.action for event in workspace.store.audit.events(yard.name)] == ["camera.hide"]


def test_the_same_again_covers_again_and_taking_masks_away_uncovers_nothing(workspace: Workspace, yard: Site) -> None:
    take_stills(workspace, yard.name)
    hide_left(workspace, yard.name)
    hide_left(workspace, yard.name)
    report = hide(workspace, site=yard.name, camera="north", masks=[], faces=False, actor=ACTOR)
    assert report.stills_covered == 0
    (one, *_) = workspace.store.footage.frames(yard.name)
    assert left_and_right(workspace.frame_files.read(one.id))[0] < 60


def test_what_vision_towers_saw_of_an_uncovered_still_goes_with_it(workspace: Workspace, yard: Site) -> None:
    first, *_ = take_stills(workspace, yard.name)
    folder, another = workspace.settings.features_dir / "tower", "f" * 64
    folder.mkdir(parents=True)
    for name in (f"{first.id}.safetensors", f"{first.id}-2.safetensors", f"{first.id}-ab.part"):
        (folder / name).write_bytes(b"seen")
    (folder / f"{another}.safetensors").write_bytes(b"seen")
    hide_left(workspace, yard.name)
    assert [file.name for file in folder.iterdir()] == [f"{another}.safetensors"]


def test_an_unknown_camera_is_told(workspace: Workspace, yard: Site) -> None:
    with pytest.raises(NotFoundError, match="a camera named 'south'"):
        hide(workspace, site=yard.name, camera="south", masks=[LEFT_HALF], faces=False, actor=ACTOR)


def test_tasks_and_answers_follow_and_label_studio_shows_the_covered_still(
    label_studio_workspace: Workspace, labelled_site: Site, tmp_path: Path
) -> None:
    bench, site = label_studio_workspace, labelled_site.name
    before = take_stills(bench, site)
    rows = [f"gate.mp4,{second},{labelled_site.class_names[0]},still {second}" for second in range(2)]
    csv = tmp_path / "labels.csv"
    csv.write_text("\n".join(["video,time_s,class,caption", *rows]) + "\n")
    label.push(bench, site, actor=ACTOR, prelabel=False)
    import_labels(bench, csv, site=site, split=Split.TEST, actor=ACTOR)
    label.pull(bench, site, actor=ACTOR)
    tasks = bench.store.labels.tasks(site)

    assert hide_left(bench, site).problems == ()

    after = bench.store.footage.frames(site)
    assert {frame.id for frame in after[:2]} == {answer.frame_id for answer in bench.store.labels.annotations(site)}
    assert set(bench.store.labels.pins(site)) == {frame.id for frame in after[:2]}
    studio = Studio(bench.settings.labelstudio_url, bench.settings.labelstudio_token.get_secret_value())
    shown = studio.tasks(studio.require_project(labelled_site, bench.store.labels.project(site)))
    assert {frame.id: tasks[old.id].task_id for old, frame in zip(before, after, strict=True)} == {
        frame_id: task.task_id for frame_id, task in shown.items()
    }
    assert all(frame_id in task.image_url for frame_id, task in shown.items())
    again = label.push(bench, site, actor=ACTOR, prelabel=False)
    assert (again.created, again.renewed) == (0, 0)
    assert label.pull(bench, site, actor=ACTOR).removed == 0


def test_with_label_studio_away_the_next_push_shows_the_covered_stills(
    label_studio_workspace: Workspace, labelled_site: Site
) -> None:
    bench, site = label_studio_workspace, labelled_site.name
    take_stills(bench, site)
    label.push(bench, site, actor=ACTOR, prelabel=False)
    away = bench.settings.model_copy(update={"labelstudio_url": f"http://127.0.0.1:{free_port()}"})

    report = hide_left(Workspace(away, bench.store, bench.frame_files), site)

    assert "until the next `workbench label push`" in report.problems[0]
    pushed = label.push(bench, site, actor=ACTOR, prelabel=False)
    assert (pushed.created, pushed.renewed) == (0, FRAMES)
    assert len(bench.store.labels.tasks(site)) == FRAMES


def test_what_a_killed_ingest_left_is_swept_and_nothing_else(
    workspace: Workspace, yard: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = take_stills(workspace, yard.name)
    others = workspace.frame_files.write(noise_jpeg(97))
    clip = Clip("e" * 64, yard.name, "north", "late.mp4", STARTED_AT, 1.0, (64, 48))
    keeper = StillKeeper(workspace, workspace.store.sites.camera(yard.name, "north"), actor=ACTOR)
    stray = TakenStill(clip, Jpeg(noise_jpeg(99), (64, 48)), (0.0,))
    keeper.keep(stray)
    with monkeypatch.context() as dying:
        dying.setattr(workspace.store.footage, "add_frames", die)
        with pytest.raises(KeyboardInterrupt):
            keeper.flush(clip)
    assert workspace.frame_files.read(stray.id)
    unfinished = workspace.settings.frames_dir / stray.id[:2] / ".new-half"
    unfinished.write_bytes(noise_jpeg(98))

    hide_left(workspace, yard.name)

    with pytest.raises(StorageError):
        workspace.frame_files.read(stray.id)
    assert not unfinished.exists()
    assert workspace.frame_files.read(others)
    assert len(workspace.store.footage.frames(yard.name)) == len(known)
    for frame in workspace.store.footage.frames(yard.name):
        assert workspace.frame_files.read(frame.id)


def die(frames: object) -> int:
    raise KeyboardInterrupt
