"""Conversations as LLaVA published them (``llava_instruct_150k.json``), and their relatives."""

import json
from pathlib import Path

import pytest

from tests.labeling.formats.trees import labels, read, write
from workbench.labeling.formats.chat import save_chat
from workbench.labeling.formats.file_label import FileLabel, LeftOut, PictureFile, Problem
from workbench.labeling.formats.kinds import Format

BUS = {
    "id": "000000033471",
    "image": "coco/train2017/000000033471.jpg",
    "conversations": [
        {"from": "human", "value": "<image>\nWhat are the colors of the bus in the image?"},
        {"from": "gpt", "value": "The bus in the image is white and red."},
        {"from": "human", "value": "What feature can be seen on the back of the bus?"},
        {"from": "gpt", "value": "The back of the bus features an advertisement."},
    ],
}
ASKED = (
    ("What are the colors of the bus in the image?", "The bus in the image is white and red."),
    ("What feature can be seen on the back of the bus?", "The back of the bus features an advertisement."),
)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("llava.json", json.dumps([BUS], indent=2), "entry 1"),
        ("llava.jsonl", "\n" + json.dumps(BUS) + "\n", "line 2"),
        ("llava.json", json.dumps(BUS), "line 1"),
    ],
)
def test_a_list_and_lines_are_read_alike_and_written_as_they_were(
    tmp_path: Path, name: str, text: str, where: str
) -> None:
    path = write(tmp_path, {name: text}) / name

    found = labels(path)

    assert found == [FileLabel(PictureFile("coco/train2017/000000033471.jpg"), where, asked=ASKED)]
    assert json.loads(save_chat(found)) == BUS | {"id": "000000033471-1"}


def test_share_gpt_names_pictures_in_a_list(tmp_path: Path) -> None:
    turns = [{"from": "user", "value": "<image><image>Compare."}, {"from": "assistant", "value": "The same."}]
    one = {"conversations": [{"from": "system", "value": "Be short."}, *turns], "images": ["a.jpg"]}
    several = one | {"images": ["a.jpg", "b.jpg"]}
    path = write(tmp_path, {"s.json": json.dumps([one, several, {"id": "0", "conversations": turns}])})

    assert [entry for _, entry in read(path)] == [
        FileLabel(PictureFile("a.jpg"), "entry 1", asked=(("Compare.", "The same."),)),
        LeftOut("conversations about no picture or several"),
        LeftOut("conversations about no picture or several"),
    ]


def test_wrong_turns_are_told_with_their_place(tmp_path: Path) -> None:
    wrong = BUS | {"conversations": [{"from": "cat", "value": "Miaow."}]}
    path = write(tmp_path, {"s.jsonl": f"{json.dumps(BUS)}\n{json.dumps(wrong)}\n"})

    (_, label), (_, problem) = read(path)

    assert isinstance(label, FileLabel)
    assert isinstance(problem, Problem)
    assert str(problem).startswith("line 2: conversations.0.from: input should be 'human'")


def test_a_damaged_line_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, {"s.jsonl": f'{json.dumps(BUS)}\n{{"image": \n'})

    (kind, _), (_, problem) = read(path)

    assert kind is Format.CHAT
    assert "line 2" in str(problem)
