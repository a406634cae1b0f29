"""COCO's files as they were published: two images of 2017's validation set, with what stands about them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.labeling.formats.trees import labels, read, write
from workbench.domain import Box
from workbench.labeling.formats.coco import save_coco_captions, save_coco_classes, save_coco_instances
from workbench.labeling.formats.file_label import FileLabel, LeftOut, PictureFile, PixelBox, Problem
from workbench.labeling.formats.kinds import Format

INFO = {"description": "COCO 2017 Dataset", "url": "http://cocodataset.org", "version": "1.0", "year": 2017}
LICENSES = [{"url": "http://creativecommons.org/licenses/by-nc-sa/2.0/", "id": 1, "name": "Attribution-NonCommercial"}]
IMAGES = [
    {
        "license": 4,
        "file_name": "000000397133.jpg",
        "coco_url": "http://images.cocodataset.org/val2017/000000397133.jpg",
        "height": 427,
        "width": 640,
        "date_captured": "2013-11-14 17:02:52",
        "flickr_url": "http://farm7.staticflickr.com/6116/6255196340_da26cf2c9e_z.jpg",
        "id": 397133,
    },
    {"license": 1, "file_name": "000000037777.jpg", "height": 230, "width": 352, "id": 37777},
]
CAPTIONS = [
    {"image_id": 397133, "id": 370509, "caption": "A man is in a kitchen making pizzas."},
    {"image_id": 397133, "id": 370815, "caption": "Man in apron standing on front of oven with pans."},
    {"image_id": 37777, "id": 491497, "caption": "The dining table near the kitchen has a bowl of fruit on it."},
]
BOXES = [
    {
        "segmentation": [[224.24, 297.18, 228.29, 297.18, 234.91, 298.29]],
        "area": 1481.38,
        "iscrowd": 0,
        "image_id": 397133,
        "bbox": [217.62, 240.54, 38.99, 57.75],
        "category_id": 44,
        "id": 82445,
    },
    {
        "segmentation": [],
        "area": 8.0,
        "iscrowd": 0,
        "image_id": 37777,
        "bbox": [1, 2.5, 100, 80],
        "category_id": 1,
        "id": 9,
    },
]
CATEGORIES = [
    {"supercategory": "person", "id": 1, "name": "person"},
    {"supercategory": "kitchen", "id": 44, "name": "bottle"},
]


def document(annotations: list[dict[str, object]], **more: object) -> str:
    return json.dumps({"info": INFO, "licenses": LICENSES, "images": IMAGES, "annotations": annotations, **more})


def test_captions_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path, {"captions_val2017.json": document(CAPTIONS)}) / "captions_val2017.json"

    found = labels(path)

    assert [(str(one.shown), one.caption) for one in found] == [
        ("000000397133.jpg", "A man is in a kitchen making pizzas."),
        ("000000397133.jpg", "Man in apron standing on front of oven with pans."),
        ("000000037777.jpg", "The dining table near the kitchen has a bowl of fruit on it."),
    ]
    assert found[1].where == "annotation 2"
    path.write_text(save_coco_captions(found))
    assert labels(path) == found
    assert json.loads(path.read_text())["annotations"][0] == {
        "image_id": 1,
        "id": 1,
        "caption": "A man is in a kitchen making pizzas.",
    }


def test_detections_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path, {"i.json": document(BOXES, categories=CATEGORIES)}) / "i.json"

    found = labels(path)

    assert found == [
        FileLabel(
            PictureFile("000000397133.jpg"),
            "annotation 1",
            boxes=(PixelBox("bottle", (217.62, 240.54, 38.99, 57.75)),),
            size_wh=(640, 427),
        ),
        FileLabel(
            PictureFile("000000037777.jpg"),
            "annotation 2",
            boxes=(PixelBox("person", (1.0, 2.5, 100.0, 80.0)),),
            size_wh=(352, 230),
        ),
    ]
    in_parts = [
        replace(one, boxes=tuple(Box(box.label, box.xyxy_in(one.size_wh or (0, 0))) for box in one.pixel_boxes))
        for one in found
    ]
    for kept in (found, in_parts):
        path.write_text(save_coco_instances(kept, ["person", "bottle"]))
        assert labels(path) == found
    written = json.loads(path.read_text())
    assert written["categories"][1] == {"supercategory": "bottle", "id": 2, "name": "bottle"}
    assert written["annotations"][0]["bbox"] == BOXES[0]["bbox"]
    assert set(BOXES[0]) == set(written["annotations"][0])


def test_classes_of_whole_pictures_are_detections_without_a_box(tmp_path: Path) -> None:
    said = [FileLabel(PictureFile("a.jpg"), "annotation 1", class_name="person")]
    path = write(tmp_path, {"classes.json": save_coco_classes(said, ["clear", "person"])}) / "classes.json"

    assert read(path) == [(Format.COCO, said[0])]


def test_crowds_and_key_points_are_left_out(tmp_path: Path) -> None:
    crowd = BOXES[0] | {"iscrowd": 1}
    key_points = {"image_id": 37777, "id": 3, "keypoints": [1, 2, 2], "num_keypoints": 1}
    blank = {"image_id": 37777, "id": 4, "caption": " "}
    path = write(tmp_path, {"i.json": document([crowd, key_points, blank], categories=CATEGORIES)})

    assert [entry for _, entry in read(path)] == [
        LeftOut("boxes around crowds"),
        LeftOut("annotations with neither caption nor category"),
        LeftOut("captions without a word"),
    ]


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        ({"image_id": 5, "caption": "A cat."}, "annotation 1: image_id 5 is no image of the file"),
        ({"image_id": 37777, "category_id": 7, "bbox": [1, 2, 3, 4]}, "annotation 1: category_id 7 is no category"),
        ({"caption": "A cat."}, "annotation 1: image_id: field required"),
        ({"image_id": 37777, "caption": 3}, "annotation 1: caption: input should be a valid string"),
        ({"image_id": 37777, "category_id": 1, "bbox": [1, 2, 3]}, "annotation 1: bbox"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_told_with_its_place(
    tmp_path: Path, annotation: dict[str, object], told: str
) -> None:
    path = write(tmp_path, {"i.json": document([annotation, CAPTIONS[0]], categories=CATEGORIES)})

    problem, label = (entry for _, entry in read(path))

    assert isinstance(problem, Problem)
    assert str(problem).startswith(told)
    assert isinstance(label, FileLabel)


def test_a_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    whole = document(CAPTIONS)
    path = write(tmp_path, {"i.json": whole[: whole.index("Man in apron")]})

    *_, (_, problem) = read(path)

    assert isinstance(problem, Problem)
    assert "the file is damaged" in str(problem)
