"""Datasets on their way out: read as others read them, and brought in again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import datasets
import pytest
import typer
from PIL import Image
from pycocotools.coco import COCO
from typer.testing import CliRunner

from workbench.cli import export
from workbench.datasets import Manifest, ManifestRow, save_dataset
from workbench.datasets.chat import answer_to_chats
from workbench.domain import (
    Answer,
    Box,
    Camera,
    Clip,
    DatasetVersion,
    Frame,
    LabelClass,
    Question,
    Site,
    Split,
    Taxonomy,
)
from workbench.errors import DatasetError, StorageError, UsageError
from workbench.labeling.formats.kinds import ExportFormat
from workbench.progress import silent
from workbench.workflows.export import ExportReport, export_dataset
from workbench.workflows.file_labels import LabelFile, read_file_labels
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SIZE_WH = (64, 48)
TAXONOMY = Taxonomy(
    classes=(LabelClass("clear"), LabelClass("reach_truck")),
    questions=(
        Question("door_open", "Is the door open?"),
        Question("load", "What is carried?", ("nothing", "pallets")),
    ),
    boxes=("person", "pallet"),
)
ANSWERS = (
    Answer("clear", "Nobody is in the yard.", {"door_open": "no", "load": "nothing"}),
    Answer("reach_truck", "A reach truck, loaded.", {}, (Box("pallet", (0.25, 0.5, 0.75, 1.0)),)),
    Answer("clear", "“Ça va”, says a man.", {"load": "pallets"}, (Box("person", (0.0, 0.0, 0.5, 0.25)),)),
)
LOSSLESS = (ExportFormat.COCO, ExportFormat.CHAT)


@pytest.fixture
def version(workspace: Workspace, yard: Site) -> DatasetVersion:
    """A dataset of three frames, one a split, with everything that can be said about them."""
    workspace.store.sites.set_taxonomy(yard.name, TAXONOMY)
    clip = Clip("c" * 64, yard.name, "north", "gate.mp4", START, 3.0, SIZE_WH)
    workspace.store.footage.add_clip(clip)
    rows = []
    for second, (split, answer) in enumerate(zip(Split, ANSWERS, strict=True)):
        jpeg = BytesIO()
        Image.new("RGB", SIZE_WH, (second * 90, 90, 90)).save(jpeg, "JPEG")
        frame_id = workspace.frame_files.write(jpeg.getvalue())
        at = START + timedelta(seconds=second)
        workspace.store.footage.add_frames(
            [Frame(frame_id, yard.name, "north", clip.id, clip.name, float(second), at, SIZE_WH)]
        )
        said = (answer.class_name, answer.caption, split, ("lea",), answer.replies, answer.boxes)
        rows.append(ManifestRow(frame_id, "north", clip.id, clip.name, float(second), at, *said))
    manifest = Manifest(
        site=yard.name,
        class_names=TAXONOMY.class_names,
        rows=tuple(rows),
        questions=TAXONOMY.questions,
    )
    path = save_dataset(manifest, workspace.settings.datasets_dir, {}, progress=silent)
    version = DatasetVersion(manifest.id, yard.name, None, str(path), dict.fromkeys(Split, 1), START)
    workspace.store.datasets.add(version)
    return version


@pytest.fixture
def by_frame(workspace: Workspace, version: DatasetVersion) -> dict[str, Answer]:
    frames = workspace.store.footage.frames(version.site)
    return {frame.id: answer for frame, answer in zip(frames, ANSWERS, strict=True)}


def hand_on(workspace: Workspace, folder: Path, format_: ExportFormat) -> ExportReport:
    return export_dataset(workspace, "yard", folder, format_=format_, actor="ann")


def files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("format_", LOSSLESS)
def test_what_is_exported_comes_in_again_as_it_was(
    workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path, format_: ExportFormat
) -> None:
    report = hand_on(workspace, tmp_path / "out", format_)

    read = read_file_labels(workspace, LabelFile(tmp_path / "out"), site="yard", folders=(), progress=silent)

    kept = {
        ExportFormat.COCO: {key: Answer(one.class_name, one.caption, {}, one.boxes) for key, one in by_frame.items()},
        ExportFormat.CHAT: {key: Answer(one.class_name, one.caption, one.replies) for key, one in by_frame.items()},
    }
    assert {frame_id: list(said) for frame_id, said in read.answers.items()} == {
        frame_id: [answer] for frame_id, answer in kept[format_].items()
    }
    assert read.left_out == {}
    assert report.pictures == 3
    event = workspace.store.audit.events("yard")[-1]
    assert (event.action, event.detail["format"], event.detail["pictures"]) == ("dataset.export", format_, 3)


@pytest.mark.parametrize("format_", [one for one in ExportFormat if one not in (*LOSSLESS, ExportFormat.DATASETS)])
def test_every_other_format_is_known_again_too(
    workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path, format_: ExportFormat
) -> None:
    hand_on(workspace, tmp_path / "out", format_)

    names = [Path(name).stem for name in files(tmp_path / "out") if name.endswith(".jpg")]
    if format_ is ExportFormat.VISUAL_GENOME:
        assert sorted(names) == ["1", "2", "3"]
        return
    assert set(names) == set(by_frame)
    read = read_file_labels(workspace, LabelFile(tmp_path / "out"), site="yard", folders=(), progress=silent)
    assert read.formats == (format_.value,)
    for frame_id, (answer,) in read.answers.items():
        assert answer.class_name in ("", by_frame[frame_id].class_name)
        assert answer.caption in ("", by_frame[frame_id].caption)
        assert answer.boxes in ((), by_frame[frame_id].boxes)
    assert any(read.answers.values())


def test_pycocotools_reads_the_coco_export(
    workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_on(workspace, tmp_path / "out", ExportFormat.COCO)

    captions = COCO(str(tmp_path / "out/annotations/captions_validation.json"))
    boxes = COCO(str(tmp_path / "out/annotations/instances_validation.json"))
    capsys.readouterr()

    (image,) = captions.loadImgs(captions.getImgIds())
    with Image.open(tmp_path / "out" / "validation" / image["file_name"]) as picture:
        assert picture.size == (image["width"], image["height"]) == SIZE_WH
    assert [one["caption"] for one in captions.loadAnns(captions.getAnnIds())] == ["A reach truck, loaded."]
    (box,) = boxes.loadAnns(boxes.getAnnIds(catIds=boxes.getCatIds(catNms=["pallet"])))
    assert (box["bbox"], box["area"]) == ([16.0, 24.0, 32.0, 24.0], 768.0)


def test_trainers_load_the_chat_export_with_the_wordings_of_training(
    workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path
) -> None:
    hand_on(workspace, tmp_path / "out", ExportFormat.CHAT)

    stored = datasets.load_dataset(
        "json",
        data_files={split.value: str(tmp_path / f"out/{split}.jsonl") for split in Split},
        cache_dir=str(tmp_path / "cache"),
    )

    assert set(stored) == {"train", "validation", "test"}
    for rows, (frame_id, answer) in zip(stored.values(), by_frame.items(), strict=True):
        pairs = [[turn["value"] for turn in row["conversations"]] for row in rows]
        chats = answer_to_chats(answer, TAXONOMY.class_names, TAXONOMY.questions)
        assert pairs == [
            [f"<image>\n{asked['content'][1]['text']}", told["content"][0]["text"]]  # type: ignore[index]
            for asked, told in chats
        ]
        assert {row["image"] for row in rows} == {f"images/{frame_id}.jpg"}
        assert len({row["id"] for row in rows}) == len(rows)
        assert (tmp_path / "out" / rows[0]["image"]).read_bytes() == workspace.frame_files.read(frame_id)


def test_datasets_on_disk_hold_the_pictures(workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path) -> None:
    hand_on(workspace, tmp_path / "out", ExportFormat.DATASETS)

    stored = datasets.load_from_disk(str(tmp_path / "out"))

    assert set(stored) == {"train", "validation", "test"}
    for split in stored.values():
        (row,) = split
        answer = by_frame[row["frame_id"]]
        assert row["image"].size == SIZE_WH
        assert (row["class_name"], row["caption"]) == (answer.class_name, answer.caption)
        assert {one["question"]: one["reply"] for one in row["replies"]} == answer.replies
        assert tuple(Box(one["label"], tuple(one["xyxy"])) for one in row["boxes"]) == answer.boxes


@pytest.mark.parametrize("format_", [ExportFormat.COCO, ExportFormat.DATASETS])
def test_a_folder_with_something_in_it_is_left_alone(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, format_: ExportFormat
) -> None:
    full, empty, file = tmp_path / "full", tmp_path / "empty", tmp_path / "file"
    full.mkdir()
    empty.mkdir()
    (full / "mine.txt").write_text("Keep me.")
    file.write_text("")

    for taken in (full, file):
        with pytest.raises(UsageError, match="a new or empty folder"):
            hand_on(workspace, taken, format_)
    assert list(files(full)) == ["mine.txt"]
    hand_on(workspace, empty, format_)
    assert any(empty.iterdir())
    assert {path.name for path in tmp_path.iterdir()} >= {"full", "empty", "file"}


@pytest.mark.parametrize("format_", [ExportFormat.CHAT, ExportFormat.DATASETS])
def test_an_export_that_fails_leaves_nothing(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, format_: ExportFormat
) -> None:
    *_, last = workspace.store.footage.frames("yard")
    workspace.frame_files.delete(last.id)
    folder = tmp_path / "exports" / "one"

    with pytest.raises((StorageError, DatasetError)):
        hand_on(workspace, folder, format_)

    assert not folder.exists()
    assert not any((tmp_path / "exports").glob("*"))
    assert not any(event.action == "dataset.export" for event in workspace.store.audit.events("yard"))


def test_a_version_of_another_site_is_refused(workspace: Workspace, version: DatasetVersion, tmp_path: Path) -> None:
    workspace.store.sites.add(Site("field", ("a", "b")))
    workspace.store.sites.add_camera(Camera("field", "north"))
    with pytest.raises(DatasetError, match="of yard"):
        export_dataset(
            workspace, "field", tmp_path / "o", format_=ExportFormat.COCO, dataset_id=version.id, actor="ann"
        )


def test_json_is_what_it_is_in_every_language(
    workspace: Workspace, by_frame: dict[str, Answer], tmp_path: Path
) -> None:
    hand_on(workspace, tmp_path / "out", ExportFormat.CHAT)
    (line, *_) = (tmp_path / "out" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    assert "“Ça va”" in line
    assert json.loads(line)["conversations"][1]["value"] == "“Ça va”, says a man."


def test_the_command_tells_what_it_wrote(
    workspace: Workspace, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))
    app = typer.Typer()
    app.command()(export.export_dataset)
    arguments = [str(tmp_path / "out"), "--site", "yard", "--format", "coco", "--dataset", version.id[:8]]

    done = CliRunner().invoke(app, [*arguments, "--json"])
    again = CliRunner().invoke(app, arguments)

    assert json.loads(done.stdout) == {
        "dataset_id": version.id,
        "format": "coco",
        "folder": str(tmp_path / "out"),
        "pictures": 3,
    }
    assert isinstance(again.exception, UsageError)
