import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import datasets
import pytest
from PIL import Image

from workbench.datasets import load_manifest, load_rows, save_dataset
from workbench.datasets.manifest import manifest_to_text, text_to_manifest
from workbench.domain import Annotation, Camera, Clip, Frame, Site, Split
from workbench.errors import DatasetError, StorageError
from workbench.progress import silent
from workbench.settings import Settings
from workbench.workflows.build import build_dataset
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLASSES = ("clear", "truck")


def said(frame: Frame, number: int, class_name: str, *, who: str = "lea", later_s: float = 0.0) -> Annotation:
    updated_at = START + timedelta(days=1, seconds=later_s)
    return Annotation(frame.id, class_name, f"It is {class_name}.", who, updated_at, number)


@pytest.fixture
def frames(workspace: Workspace) -> list[Frame]:
    """Sixty seconds of one camera in the catalogue."""
    store = workspace.store
    store.sites.add(Site("yard", CLASSES))
    store.sites.add_camera(Camera("yard", "gate"))
    store.footage.add_clip(Clip("c" * 64, "yard", "gate", "cam.mp4", START, 60.0, (32, 24)))
    made = []
    for second in range(60):
        buffer = io.BytesIO()
        Image.new("RGB", (32, 24), (second * 4, 90, 90)).save(buffer, format="JPEG")
        frame_id = workspace.frame_files.write(buffer.getvalue())
        taken_at = START + timedelta(seconds=second)
        made.append(Frame(frame_id, "yard", "gate", "c" * 64, "cam.mp4", float(second), taken_at, (32, 24)))
    store.footage.add_frames(made)
    return made


@pytest.fixture
def annotations(workspace: Workspace, frames: list[Frame]) -> list[Annotation]:
    made = [said(frame, number, CLASSES[number // 5 % 2]) for number, frame in enumerate(frames)]
    workspace.store.labels.replace_annotations("yard", made)
    return made


def test_a_version_holds_every_kept_frame_with_its_picture(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    manifest = load_manifest(version)
    assert sum(version.rows.values()) + len(manifest.dropped) == 60
    assert manifest.id == version.id
    assert manifest.class_names == CLASSES
    by_id = {frame.id: frame for frame in frames}
    for split in Split:
        rows = load_rows(version, split)
        assert len(rows) == version.rows[split] > 0
        for row in rows:
            assert row.image_jpeg == workspace.frame_files.read(row.frame_id)
            assert row.taken_at == by_id[row.frame_id].taken_at
            assert row.caption == f"It is {row.class_name}."
    assert load_rows(version, Split.TEST)[-1] == load_rows(version, Split.TEST)[-2:][1]
    assert workspace.store.datasets.latest("yard") == version
    assert workspace.store.audit.events("yard")[-1].detail["dataset_id"] == version.id


def test_the_folder_is_a_dataset_dict_in_chat_form(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    stored = datasets.load_from_disk(version.path)

    assert set(stored) == {"train", "validation", "test"}
    row = stored["test"][0]
    assert row["image"].size == (32, 24)
    caption_chat, class_chat = row["conversations"]
    assert caption_chat[1]["content"][0]["text"] == row["caption"]
    assert "clear, truck" in class_chat[0]["content"][1]["text"]
    assert class_chat[1]["content"][0]["text"] == row["class_name"]


def test_the_same_annotations_give_the_same_version(workspace: Workspace, annotations: list[Annotation]) -> None:
    first = build_dataset(workspace, "yard", actor="ann")
    workspace.store.labels.replace_annotations("yard", list(reversed(annotations)))

    assert build_dataset(workspace, "yard", actor="bob") == first
    assert workspace.store.datasets.all("yard") == [first]
    assert [event.action for event in workspace.store.audit.events("yard")].count("dataset.build") == 1
    assert [path.name for path in workspace.settings.datasets_dir.iterdir()] == [first.id]


def test_a_changed_annotation_gives_a_child(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    first = build_dataset(workspace, "yard", actor="ann")
    again = said(frames[0], 900, "truck", who="max", later_s=60)
    workspace.store.labels.replace_annotations("yard", [again, *annotations])

    child = build_dataset(workspace, "yard", actor="ann")

    assert child.parent_id == first.id
    row = next(row for row in load_manifest(child).rows if row.frame_id == frames[0].id)
    assert (row.class_name, row.annotators) == ("truck", ("lea", "max"))


def test_a_lost_folder_is_built_again(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    Path(version.path).rename(workspace.settings.home / "lost")

    with pytest.raises(DatasetError, match="no manifest"):
        load_rows(version, Split.TRAIN)

    assert build_dataset(workspace, "yard", actor="ann") == version
    assert len(load_rows(version, Split.TRAIN)) == version.rows[Split.TRAIN]


def test_a_folder_that_lost_its_manifest_is_built_again(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    (Path(version.path) / "manifest.json").unlink()

    assert build_dataset(workspace, "yard", actor="ann") == version
    assert len(load_rows(version, Split.TRAIN)) == version.rows[Split.TRAIN]


def test_a_version_that_somebody_else_finished_meanwhile_is_taken(
    workspace: Workspace, annotations: list[Annotation]
) -> None:
    manifest = load_manifest(build_dataset(workspace, "yard", actor="ann"))
    folder = workspace.settings.home / "shared"

    def read_and_let_the_other_finish(frame_id: str) -> bytes:
        if not folder.joinpath(manifest.id).exists():
            save_dataset(manifest, folder, read_jpeg=workspace.frame_files.read, progress=silent)
        return workspace.frame_files.read(frame_id)

    path = save_dataset(manifest, folder, read_jpeg=read_and_let_the_other_finish, progress=silent)

    assert [found.name for found in folder.iterdir()] == [path.name] == [manifest.id]


def test_a_moved_workspace_finds_its_versions(
    workspace: Workspace, annotations: list[Annotation], tmp_path: Path
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    workspace.settings.home.rename(tmp_path / "elsewhere")

    moved = Workspace.open(Settings.load(home=tmp_path / "elsewhere"))
    found = moved.store.datasets.latest("yard")
    moved.store.close()

    assert found.id == version.id
    assert len(load_rows(found, Split.TRAIN)) == version.rows[Split.TRAIN]


def test_pins_are_kept_and_may_leave_validation_empty(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    pins = {frame.id: Split.TRAIN if second < 40 else Split.TEST for second, frame in enumerate(frames)}
    workspace.store.labels.pin("yard", pins)

    version = build_dataset(workspace, "yard", actor="ann")

    assert version.rows == {Split.TRAIN: 40, Split.VALIDATION: 0, Split.TEST: 20}
    assert list(load_rows(version, Split.VALIDATION)) == []
    assert set(datasets.load_from_disk(version.path)) == {"train", "test"}
    problems = load_manifest(version).problems
    assert any("4 pinned frames" in problem for problem in problems)
    assert any("the whole has 40 train, 0 validation and 20 test frames" in problem for problem in problems)
    assert any(problem.startswith("class truck has") and "pinned leaves no choice" in problem for problem in problems)


Spoil = Callable[[Path], None]


def _change_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("It is clear.", "It is truck.", 1))


def _exchange_splits(folder: Path) -> None:
    (folder / "train").rename(folder / "aside")
    (folder / "test").rename(folder / "train")
    (folder / "aside").rename(folder / "test")


def _cut_rows(folder: Path) -> None:
    (path,) = (folder / "train").glob("*.arrow")
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("spoil", [_change_manifest, _exchange_splits, _cut_rows])
def test_a_tampered_version_is_refused(workspace: Workspace, annotations: list[Annotation], spoil: Spoil) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    spoil(Path(version.path))

    with pytest.raises(DatasetError, match="as it was built"):
        load_rows(version, Split.TRAIN)


def test_another_picture_is_refused(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    rows = load_rows(version, Split.TRAIN)
    (path,) = (Path(version.path) / "train").glob("*.arrow")
    content = bytearray(path.read_bytes())
    start = content.index(rows[0].image_jpeg)
    content[start + 100] ^= 1
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="another picture"):
        load_rows(version, Split.TRAIN)[0]


def test_a_manifest_and_its_text_are_a_pair(workspace: Workspace, annotations: list[Annotation]) -> None:
    manifest = load_manifest(build_dataset(workspace, "yard", actor="ann"))
    text = manifest_to_text(manifest)

    assert text_to_manifest(text) == manifest
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(DatasetError, match="format 1"):
        text_to_manifest(text.replace('"format":1', '"format":2'))


def test_nothing_annotated_is_told(workspace: Workspace, frames: list[Frame]) -> None:
    with pytest.raises(DatasetError, match="annotated frames at site yard"):
        build_dataset(workspace, "yard", actor="ann")


def test_a_single_class_is_refused(workspace: Workspace, frames: list[Frame]) -> None:
    workspace.store.labels.replace_annotations(
        "yard", [said(frame, number, "clear") for number, frame in enumerate(frames)]
    )

    with pytest.raises(DatasetError, match="at least two classes"):
        build_dataset(workspace, "yard", actor="ann")


def test_too_few_frames_for_three_splits_are_told(workspace: Workspace, frames: list[Frame]) -> None:
    few = [said(frame, number, CLASSES[number % 2]) for number, frame in enumerate(frames[:3])]
    workspace.store.labels.replace_annotations("yard", few)

    with pytest.raises(DatasetError, match="none for"):
        build_dataset(workspace, "yard", actor="ann")


def test_a_lost_image_leaves_nothing_half_written(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    workspace.frame_files.delete(frames[50].id)

    with pytest.raises(StorageError, match="ingest its clip again"):
        build_dataset(workspace, "yard", actor="ann")

    assert list(workspace.settings.datasets_dir.iterdir()) == []
    assert workspace.store.datasets.all("yard") == []
