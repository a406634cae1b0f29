import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import datasets
import pytest

from tests.datasets.pictures import a_jpeg, take
from workbench.datasets import export_dataset, load_manifest, save_dataset, text_to_manifest
from workbench.datasets.manifest import AllowedLeaks
from workbench.domain import Annotation, Box, Frame, LabelClass, Question, Site, Split, Taxonomy
from workbench.errors import DatasetError, NotFoundError, StorageError
from workbench.progress import silent
from workbench.settings import Settings
from workbench.workflows.build import BuildChoices, build_dataset
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLASSES = ("clear", "truck")


def said(frame: Frame, number: int, class_name: str, *, who: str = "lea", later_s: float = 0.0) -> Annotation:
    updated_at = START + timedelta(days=1, seconds=later_s)
    return Annotation(frame.id, class_name, f"It is {class_name}.", who, updated_at, number)


@pytest.fixture
def frames(workspace: Workspace) -> list[Frame]:
    """Sixty seconds of one camera in the catalogue."""
    workspace.store.sites.add(Site("yard", CLASSES))
    return take(workspace, "gate", "cam.mp4", START, [a_jpeg((second * 4, 90, 90)) for second in range(60)])


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
        rows = load_rows(workspace, version, split)
        assert len(rows) == version.rows[split] > 0
        for row in rows:
            assert row.image_jpeg == workspace.frame_files.read(row.frame_id)
            assert row.taken_at == by_id[row.frame_id].taken_at
            assert row.caption == f"It is {row.class_name}."
    assert load_rows(workspace, version, Split.TEST)[-1] == load_rows(workspace, version, Split.TEST)[-2:][1]
    assert workspace.store.datasets.latest("yard") == version
    assert workspace.store.audit.events("yard")[-1].detail["dataset_id"] == version.id


def test_the_folder_is_a_dataset_dict_in_chat_form_that_names_its_pictures(
    workspace: Workspace, annotations: list[Annotation]
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    stored = datasets.load_from_disk(version.path)

    assert set(stored) == {"train", "validation", "test"}
    row = stored["test"][0]
    assert (workspace.settings.frames_dir / row["file_name"]).is_file()
    caption_chat, class_chat = row["conversations"]
    assert caption_chat[1]["content"][0]["text"] == row["caption"]
    assert "clear, truck" in class_chat[0]["content"][1]["text"]
    assert class_chat[1]["content"][0]["text"] == row["class_name"]


def test_replies_and_boxes_are_in_the_rows_and_in_the_chats(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    questions = (Question("gate", "Is the gate open?"), Question("load", "What is loaded?", ("none", "pallet")))
    workspace.store.sites.set_taxonomy("yard", Taxonomy(tuple(map(LabelClass, CLASSES)), questions=questions))
    box = Box("forklift", (0.1, 0.2, 0.5, 0.6))
    answered = replace(annotations[7], replies={"gate": "yes", "load": "pallet"}, boxes=(box,))
    workspace.store.labels.replace_annotations("yard", [*annotations[:7], answered, *annotations[8:]])

    version = build_dataset(workspace, "yard", actor="ann")

    row = next(row for row in load_manifest(version).rows if row.frame_id == frames[7].id)
    assert (row.replies, row.boxes) == ({"gate": "yes", "load": "pallet"}, (box,))
    rows = load_rows(workspace, version, row.split)
    assert next(one for one in rows if one.frame_id == row.frame_id).boxes == (box,)
    stored = next(one for one in datasets.load_from_disk(version.path)[row.split] if one["frame_id"] == row.frame_id)
    asked = [chat[0]["content"][1]["text"] for chat in stored["conversations"][2:]]
    assert asked == ["Is the gate open? Answer yes or no.", "What is loaded? Choose one: none, pallet."]
    assert [chat[1]["content"][0]["text"] for chat in stored["conversations"][2:]] == ["yes", "pallet"]
    assert stored["boxes"] == [{"label": "forklift", "xyxy": [0.1, 0.2, 0.5, 0.6]}]


def test_an_export_holds_the_pictures(workspace: Workspace, annotations: list[Annotation], tmp_path: Path) -> None:
    manifest = load_manifest(build_dataset(workspace, "yard", actor="ann"))

    path = export_dataset(manifest, tmp_path / "out", workspace.frame_files.read, progress=silent)

    exported = datasets.load_from_disk(str(path))
    assert {split: len(rows) for split, rows in exported.items()} == {split: len(manifest.of(split)) for split in Split}
    assert exported["test"][0]["image"].size == (32, 24)
    bare = exported["test"].cast_column("image", datasets.Image(decode=False))[0]
    assert bare["image"]["bytes"] == workspace.frame_files.read(bare["frame_id"])


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
        load_rows(workspace, version, Split.TRAIN)

    assert build_dataset(workspace, "yard", actor="ann") == version
    assert len(load_rows(workspace, version, Split.TRAIN)) == version.rows[Split.TRAIN]


def test_a_folder_that_lost_its_manifest_is_built_again(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    (Path(version.path) / "manifest.json").unlink()

    assert build_dataset(workspace, "yard", actor="ann") == version
    assert len(load_rows(workspace, version, Split.TRAIN)) == version.rows[Split.TRAIN]


def test_a_version_that_somebody_else_finished_meanwhile_is_taken(
    workspace: Workspace, annotations: list[Annotation]
) -> None:
    manifest = load_manifest(build_dataset(workspace, "yard", actor="ann"))
    folder = workspace.settings.home / "shared"

    def let_the_other_finish(done: int, total: int | None, what: str) -> None:
        if not folder.joinpath(manifest.id).exists():
            save_dataset(manifest, folder, {}, progress=silent)

    path = save_dataset(manifest, folder, {"README.md": "late"}, progress=let_the_other_finish)

    assert [found.name for found in folder.iterdir()] == [path.name] == [manifest.id]


def test_a_moved_workspace_finds_its_versions(
    workspace: Workspace, annotations: list[Annotation], tmp_path: Path
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    workspace.settings.home.rename(tmp_path / "elsewhere")

    moved = Workspace.open(Settings.load(home=tmp_path / "elsewhere"))
    found = moved.store.datasets.latest("yard")
    rows = load_rows(moved, found, Split.TRAIN)
    moved.store.close()

    assert found.id == version.id
    assert len(rows) == version.rows[Split.TRAIN]
    assert rows[0].image_jpeg


def test_pins_are_kept_but_for_neighbours_and_may_leave_validation_empty(
    workspace: Workspace, frames: list[Frame], annotations: list[Annotation]
) -> None:
    pins = {frame.id: Split.TRAIN if second < 40 else Split.TEST for second, frame in enumerate(frames)}
    workspace.store.labels.pin("yard", pins)

    version = build_dataset(workspace, "yard", actor="ann")

    manifest = load_manifest(version)
    assert version.rows == {Split.TRAIN: 38, Split.VALIDATION: 0, Split.TEST: 20}
    assert set(manifest.copies) == {frames[38].id, frames[39].id}
    assert list(load_rows(workspace, version, Split.VALIDATION)) == []
    assert set(datasets.load_from_disk(version.path)) == {"train", "test"}
    problems = manifest.problems
    assert any("the whole has 40 train, 0 validation and 20 test frames" in problem for problem in problems)
    assert any(problem.startswith("class truck has") and "pinned leaves no choice" in problem for problem in problems)


def test_a_camera_is_held_out_whole(workspace: Workspace, frames: list[Frame], annotations: list[Annotation]) -> None:
    store = workspace.store
    taken = take(workspace, "dock", "dock.mp4", START, [a_jpeg((90, second * 9, 20)) for second in range(10)])
    store.labels.replace_annotations(
        "yard", [*annotations, *(said(frame, 100 + number, "truck") for number, frame in enumerate(taken))]
    )

    version = build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(held_out_cameras=("dock",)))

    manifest = load_manifest(version)
    assert manifest.held_out_cameras == ("dock",)
    assert {row.split for row in manifest.rows if row.camera == "dock"} == {Split.TEST}
    assert {row.split for row in manifest.rows if row.camera == "gate"} == set(Split)
    store.labels.pin("yard", {taken[0].id: Split.TRAIN})
    with pytest.raises(DatasetError, match="held-out camera dock"):
        build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(held_out_cameras=("dock",)))
    with pytest.raises(NotFoundError, match="a camera named 'roof'"):
        build_dataset(workspace, "yard", actor="ann", choices=BuildChoices(held_out_cameras=("roof",)))


Spoil = Callable[[Path], None]


def _change_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("It is clear.", "It is truck.", 1))


def _cut_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff")


@pytest.mark.parametrize("spoil", [_change_manifest, _cut_manifest])
def test_a_tampered_version_is_refused(workspace: Workspace, annotations: list[Annotation], spoil: Spoil) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    spoil(Path(version.path))

    with pytest.raises(DatasetError, match=r"as it was built|no manifest that can be read"):
        load_rows(workspace, version, Split.TRAIN)


def test_what_stands_beside_the_manifest_changes_no_row(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    (arrow,) = (Path(version.path) / "train").glob("*.arrow")
    arrow.write_bytes(b"")

    rows = load_rows(workspace, version, Split.TRAIN)

    assert [row.frame_id for row in rows] == [row.frame_id for row in load_manifest(version).of(Split.TRAIN)]


def test_another_picture_is_refused(workspace: Workspace, annotations: list[Annotation]) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    rows = load_rows(workspace, version, Split.TRAIN)
    frame_id = rows[0].frame_id
    (workspace.settings.frames_dir / frame_id[:2] / f"{frame_id}.jpg").write_bytes(a_jpeg((1, 2, 3)))

    with pytest.raises(StorageError, match="other bytes"):
        rows[0]


def test_a_manifest_and_its_text_are_a_pair(workspace: Workspace, annotations: list[Annotation]) -> None:
    manifest = load_manifest(build_dataset(workspace, "yard", actor="ann"))
    allowed = AllowedLeaks("the gate is copied on purpose", "ann", (("a", "b"),))
    manifest = replace(manifest, allowed_leaks=allowed, questions=(Question("gate", "Is it open?"),))
    text = manifest.text

    assert text_to_manifest(text) == manifest
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(DatasetError, match="format 2"):
        text_to_manifest(text.replace('"format":2', '"format":3'))


def test_a_manifest_of_an_earlier_release_is_still_read(workspace: Workspace, annotations: list[Annotation]) -> None:
    manifest = replace(load_manifest(build_dataset(workspace, "yard", actor="ann")), format=1)
    content = json.loads(manifest.text)

    assert set(content) == {
        "site", "class_names", "parent_id", "seed", "gaps_s", "dropped", "problems", "rows", "format"
    }  # fmt: skip
    assert "replies" not in content["rows"][0]
    assert text_to_manifest(manifest.text).text == manifest.text
    assert text_to_manifest(manifest.text).rows == manifest.rows


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
    workspace.store.prints.forget([frames[50].id])

    with pytest.raises(StorageError, match="ingest its clip again"):
        build_dataset(workspace, "yard", actor="ann")

    assert not workspace.settings.datasets_dir.exists()
    assert workspace.store.datasets.all("yard") == []
