"""Visual Genome's files as they were published: the first image's first entries."""

import json
from pathlib import Path

import pytest

from tests.labeling.formats.trees import labels, read, write
from workbench.labeling.formats.file_label import FileLabel, LeftOut, PictureFile, PixelBox, Problem
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.visual_genome import save_question_answers, save_region_descriptions

REGIONS = [
    {
        "regions": [
            {
                "region_id": 1382,
                "width": 82,
                "height": 139,
                "image_id": 1,
                "phrase": "the clock is green in colour",
                "y": 57,
                "x": 421,
            },
            {
                "region_id": 1383,
                "width": 182,
                "height": 109,
                "image_id": 1,
                "phrase": "shade is along the street ",
                "y": 372,
                "x": 194,
            },
        ],
        "id": 1,
    }
]
ANSWERS = [
    {
        "id": 1,
        "qas": [
            {
                "a_objects": [],
                "question": "What color is the clock?",
                "image_id": 1,
                "qa_id": 986768,
                "answer": "Green.",
                "q_objects": [],
            }
        ],
    }
]
SIZES = [
    {
        "width": 800,
        "url": "https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg",
        "height": 600,
        "image_id": 1,
        "coco_id": None,
        "flickr_id": None,
    }
]


def test_region_descriptions_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path, {"region_descriptions.json": json.dumps(REGIONS)}) / "region_descriptions.json"

    (found,) = labels(path)

    assert found.shown == PictureFile("1.jpg")
    assert found.regions == (
        PixelBox("the clock is green in colour", (421, 57, 82, 139)),
        PixelBox("shade is along the street", (194, 372, 182, 109)),
    )
    assert found.size_wh is None
    path.write_text(save_region_descriptions([found]))
    assert labels(path) == [found]
    (written,) = json.loads(path.read_text())
    assert set(written["regions"][0]) == set(REGIONS[0]["regions"][0])  # type: ignore[arg-type, index]


def test_question_answers_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path, {"question_answers.json": json.dumps(ANSWERS)}) / "question_answers.json"

    (found,) = labels(path)

    assert found == FileLabel(PictureFile("1.jpg"), "entry 1", asked=(("What color is the clock?", "Green."),))
    path.write_text(save_question_answers([found]))
    assert json.loads(path.read_text()) == [{**ANSWERS[0], "qas": [{**ANSWERS[0]["qas"][0], "qa_id": 1}]}]  # type: ignore[dict-item, index]


def test_sizes_come_from_the_file_beside(tmp_path: Path) -> None:
    files = {"region_descriptions.json": REGIONS, "question_answers.json": ANSWERS, "image_data.json": SIZES}
    folder = write(tmp_path, {name: json.dumps(content) for name, content in files.items()})

    found = labels(folder)

    assert [(one.size_wh, len(one.regions), len(one.asked)) for one in found] == [
        ((800, 600), 0, 1),
        ((800, 600), 2, 0),
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": 1}, "entry 1: neither regions nor qas"),
        ({"id": 1, "regions": [{"phrase": "a", "x": 1, "y": 2, "width": 3}]}, "entry 1: regions.0.height"),
        ({"regions": []}, "entry 1: id: field required"),
    ],
)
def test_an_entry_that_cannot_be_used_is_told(tmp_path: Path, entry: dict[str, object], told: str) -> None:
    folder = write(tmp_path, {"r.json": json.dumps([entry, *REGIONS])})

    problem, _ = (found for _, found in read(folder, Format.VISUAL_GENOME))

    assert isinstance(problem, Problem)
    assert str(problem).startswith(told)


def test_phrases_without_a_word_are_left_out(tmp_path: Path) -> None:
    blank = {"id": 1, "qas": [{"question": "What?", "answer": ""}]}
    folder = write(tmp_path, {"q.json": json.dumps([blank])})

    assert [entry for _, entry in read(folder)] == [LeftOut("regions and questions without a word")]
