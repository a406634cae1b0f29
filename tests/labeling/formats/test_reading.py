"""Which format a file is in is told from what it holds; broken files are one sentence."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.labeling.formats.trees import read, write
from workbench.errors import LabelFileError
from workbench.labeling.formats.file_tree import opened_tree
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.reading import find_labels, read_labels

CHAT = {"image": "a.jpg", "conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A."}]}
COCO = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "id": 1, "caption": "A cat."}]}


def test_every_known_file_of_a_folder_is_read_and_others_are_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "annotations/captions_val2017.json": json.dumps(COCO),
            "chat.txt": json.dumps(CHAT),
            "labels.csv": "image,class\na.jpg,clear\n",
            "package.json": '{"name": "x", "scripts": {}}',
            "notes.txt": "Nothing of this kind.",
            "val2017/a.jpg": b"\xff\xd8",
        },
    )

    assert [kind for kind, _ in read(tmp_path)] == [Format.COCO, Format.CHAT, Format.CSV]


@pytest.mark.parametrize("name", ["labels.json", "labels.jsonl", "labels.txt"])
def test_the_name_does_not_matter(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, {name: b"\xef\xbb\xbf\n " + json.dumps(COCO).encode()}) / name

    assert [kind for kind, _ in read(path)] == [Format.COCO]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.json": "[]"},
        {"a.json": '{"a": 1}'},
        {"a.json": '[{"image_id": 1}]'},
        {"a.txt": "0 0.5 0.5 0.1 0.1\n"},
        {"a.jpg": b"\xff\xd8"},
    ],
)
def test_a_folder_without_labels_is_refused(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    with opened_tree(write(tmp_path, files)) as tree, pytest.raises(LabelFileError, match=r"docs/label-formats\.md"):
        find_labels(tree)


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.json": json.dumps([{"image": "a.jpg", "caption": "A."}])}) / "a.json"

    with opened_tree(path) as tree:
        (source,) = find_labels(tree, Format.COCO)
    assert source.format is Format.COCO


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(100),
        b'[{"conversations": ',
        b'[{"conversations": [{"from": "human", "value": "\xff"}]}]',
        b'{"images": [1, 2}, "annotations": 5',
        b'[{"regions": ' + b"[" * 100_000,
        b'[{"image_id": ' + b"9" * 5_000 + b"}]",
        json.dumps(CHAT).replace("A.", "\\ud800").encode(),
        b"image,class\n" + b"x," * 600_000,
    ],
    ids=["archive", "cut off", "no UTF-8", "bracket", "deep", "long number", "half a character", "long line"],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(LabelFileError) as caught:
        read_labels(path)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("name", ["labels.csv", "data.yaml"])
def test_a_damaged_archive_is_one_sentence(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "image,class\na.jpg,clear\n")
        file.writestr("labels/a.txt", "0 0.5 0.5 0.1 0.1\n")
    archive.write_bytes(archive.read_bytes().replace(b"clear", b"cleur"))
    with pytest.raises(LabelFileError, match="Bad CRC"):
        read_labels(archive)


def test_an_encrypted_archive_is_one_sentence(tmp_path: Path) -> None:
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("labels.csv", "image,class\na.jpg,clear\n")
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(LabelFileError, match="without a password"):
        read_labels(archive)
