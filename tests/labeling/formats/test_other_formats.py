"""ChatEarthNet, YOLO and class folders in their published layouts."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.labeling.formats.trees import labels, read, write
from workbench.domain import Box
from workbench.labeling.formats.chat_earth_net import save_chat_earth_net
from workbench.labeling.formats.file_label import FileLabel, LeftOut, PictureFile, Problem
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.yolo import save_yolo

PATCH = "S2A_MSIL2A_20200818T095041_patch00.png"
WATER = "Water covers most of the image. A developed area lies in the top left."

DATA = """\
# parent
path: coco8 # dataset root dir
train: images/train # train images (relative to 'path')
val: images/val # val images (relative to 'path')
test: # test images (optional)

# Classes
names:
  0: person
  1: traffic light
"""
ROBOFLOW = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['person', 'traffic light']\n"
LINES = "1 0.479492 0.688771 0.200000 0.100000\n0 0.500000 0.500000 1.000000 1.000000\n"
BOXES = (Box("traffic light", (0.379492, 0.638771, 0.579492, 0.738771)), Box("person", (0.0, 0.0, 1.0, 1.0)))


@pytest.mark.parametrize("key", ["image_id", "image", "image_name"])
def test_pairs_of_pictures_and_texts_round_trip(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, {"ChatEarthNet_caps_35_val.json": json.dumps([{key: PATCH, "caption": WATER}])})

    found = labels(path)

    assert found == [FileLabel(PictureFile(PATCH), "entry 1", caption=WATER)]
    again = json.loads(save_chat_earth_net(found))
    assert again == [{"image_id": PATCH, "caption": WATER}]
    write(tmp_path, {"ChatEarthNet_caps_35_val.json": json.dumps(again)})
    assert labels(path) == found


def test_a_list_of_captions_is_one_label_each(tmp_path: Path) -> None:
    path = write(tmp_path, {"c.json": json.dumps([{"image": PATCH, "caption": ["One.", "Two.", ""]}, {"image": ""}])})

    *found, problem = (entry for _, entry in read(path))

    assert [entry.caption for entry in found if isinstance(entry, FileLabel)] == ["One.", "Two."]
    assert isinstance(problem, Problem)


@pytest.mark.parametrize(
    ("names", "label_file", "picture"),
    [
        ({"data.yaml": DATA}, "labels/train/000000000009.txt", "images/train/000000000009"),
        ({"data.yaml": ROBOFLOW}, "train/labels/a.v1.txt", "train/images/a.v1"),
        ({"labels/classes.txt": "person\ntraffic light\n"}, "labels/a.txt", "images/a"),
    ],
)
def test_yolo_detections_are_found_by_their_pictures(
    tmp_path: Path, names: dict[str, str | bytes], label_file: str, picture: str
) -> None:
    write(tmp_path, {**names, label_file: LINES, label_file.replace("a", "b", 1) + ".cache": b"\0"})

    assert read(tmp_path) == [(Format.YOLO, FileLabel(PictureFile(picture), label_file, boxes=BOXES))]


def test_yolo_round_trips(tmp_path: Path) -> None:
    picture = FileLabel(PictureFile("images/train/000000000009.jpg"), "", boxes=BOXES)

    files = save_yolo([picture], ["person", "traffic light"])

    assert files["labels/train/000000000009.txt"] == LINES
    (found,) = labels(write(tmp_path, dict(files)))
    assert (found.shown, found.boxes) == (PictureFile("images/train/000000000009"), BOXES)
    assert "train: images/train" in files["data.yaml"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2 0.5 0.5 0.1 0.1", "class 2 has no name"),
        ("0 0.5 0.5 0.1", "4 numbers instead of 5"),
        ("person 0.5 0.5 0.1 0.1", "is not five numbers"),
        ("0 320 240 50 50", "is not given in parts from 0 to 1"),
        ("0 nan 0.5 0.1 0.1", "is not given in parts from 0 to 1"),
    ],
)
def test_a_wrong_yolo_line_is_told_with_its_file(tmp_path: Path, line: str, told: str) -> None:
    write(tmp_path, {"data.yaml": DATA, "labels/a.txt": f"{line}\n{LINES}"})

    (_, problem), (_, label) = read(tmp_path)

    assert isinstance(problem, Problem)
    assert "labels/a.txt, line 1" in str(problem)
    assert told in str(problem)
    assert isinstance(label, FileLabel)


@pytest.mark.parametrize(
    "data",
    ["names: [", "nc: 2\n", "names: {a: b}\n", "- 1\n", "names: [2001-99-99]", "names: [[a]]", "[" * 3_000],
    ids=["cut off", "no names", "no numbers", "a list", "no day", "lists as names", "deep"],
)
def test_classes_without_names_are_told(tmp_path: Path, data: str) -> None:
    write(tmp_path, {"data.yaml": data, "labels/a.txt": LINES})

    ((_, problem),) = read(tmp_path)

    assert isinstance(problem, Problem)
    assert problem.where == "data.yaml"


def test_a_box_without_an_area_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"data.yaml": DATA, "labels/a.txt": "0 0.5 0.5 0 0.1\n"})

    assert read(tmp_path) == [(Format.YOLO, LeftOut("boxes without an area"))]


def test_folders_name_the_classes_of_their_pictures(tmp_path: Path) -> None:
    write(tmp_path, {"train/person/a.JPG": b"", "train/clear/b.png": b"", "README.md": "x", ".cache/c/d.jpg": b""})

    assert read(tmp_path) == [
        (Format.CLASS_FOLDERS, FileLabel(PictureFile("train/clear/b.png"), "train/clear/b.png", class_name="clear")),
        (Format.CLASS_FOLDERS, FileLabel(PictureFile("train/person/a.JPG"), "train/person/a.JPG", class_name="person")),
    ]


def test_a_zip_archive_is_read_like_the_folder_in_it(tmp_path: Path) -> None:
    archive = tmp_path / "yolo.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.yaml", DATA)
        file.writestr("labels/train/a.txt", LINES)
        file.writestr("__MACOSX/labels/train/._a.txt", b"\0\1")

    (found,) = labels(archive)

    assert (found.shown, found.boxes) == (PictureFile("images/train/a"), BOXES)
