from pathlib import Path

import pytest

from workbench.errors import LabelFileError
from workbench.labeling.labels_csv import LabelRow, read_labels

CLASSES = ("clear", "person", "truck")
HEADER = "video,time_s,class,caption\n"


@pytest.fixture
def labels_csv(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_rows_are_read_with_their_lines(labels_csv: Path, encoding: str) -> None:
    labels_csv.write_text(
        HEADER + 'a.mp4,0,clear,"Empty, quiet."\na.mp4,1.5,person," Ein Mann läuft. "\n', encoding=encoding
    )
    assert read_labels(labels_csv, class_names=CLASSES) == (
        LabelRow("a.mp4", 0.0, "clear", "Empty, quiet.", 2),
        LabelRow("a.mp4", 1.5, "person", "Ein Mann läuft.", 3),
    )


def test_columns_may_stand_in_another_order_beside_others(labels_csv: Path) -> None:
    labels_csv.write_text("note,caption,class,time_s,video\nx,Empty.,clear,2,a.mp4\n")
    assert read_labels(labels_csv, class_names=CLASSES) == (LabelRow("a.mp4", 2.0, "clear", "Empty.", 2),)


def test_all_problems_are_told_together(labels_csv: Path) -> None:
    labels_csv.write_text(
        HEADER
        + "a.mp4,soon,clear,Empty.\n"
        + "a.mp4,-1,persn,A man.\n"
        + "a.mp4,nan,person,\n"
        + "a.mp4,4,truck,One.\n"
        + ",5,,Two.\n"
        + "a.mp4,4.0,truck,Three.\n"
        + "a.mp4,6\n"
    )
    with pytest.raises(LabelFileError) as caught:
        read_labels(labels_csv, class_names=CLASSES)
    for told in (
        "line 2: time_s 'soon' is not a number",
        "line 3: time_s '-1' is not a number of seconds >= 0",
        "line 3: unknown class 'persn' (did you mean 'person'?); the site has clear, person, truck",
        "line 4: time_s 'nan'",
        "line 4: no caption",
        "line 6: no video",
        "line 6: no class",
        "line 7: labels the same instant of a.mp4 as line 5",
        "line 8: no caption",
        "nothing was written",
    ):
        assert told in str(caught.value)
    assert caught.value.exit_code == 2


def test_many_problems_are_counted(labels_csv: Path) -> None:
    labels_csv.write_text(HEADER + "".join(f"a.mp4,{number},cat,A cat.\n" for number in range(50)))
    with pytest.raises(LabelFileError, match="and 30 more"):
        read_labels(labels_csv, class_names=CLASSES)


def test_any_class_passes_when_none_are_given(labels_csv: Path) -> None:
    labels_csv.write_text(HEADER + "a.mp4,0,cat,A cat.\n")
    assert read_labels(labels_csv, class_names=None)[0].class_name == "cat"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column video, time_s, class, caption"),
        (b"video,time_s,label\n", "no column class, caption"),
        (HEADER.encode(), "no row below the header"),
        (HEADER.encode() + b"a.mp4,0,clear,\xff\n", "can't decode"),
        (HEADER.encode() + b'a.mp4,0,clear,"open\n', "unexpected end of data"),
    ],
)
def test_a_file_of_another_kind_is_refused(labels_csv: Path, content: bytes, told: str) -> None:
    labels_csv.write_bytes(content)
    with pytest.raises(LabelFileError, match=told):
        read_labels(labels_csv, class_names=CLASSES)


def test_a_missing_file_is_named(labels_csv: Path) -> None:
    with pytest.raises(LabelFileError, match=r"labels\.csv, but found No such file"):
        read_labels(labels_csv, class_names=CLASSES)


def test_the_real_labels_are_usable(shared_footage: Path) -> None:
    rows = read_labels(shared_footage / "labels.csv", class_names=None)
    assert len(rows) == 122
    assert len({row.video for row in rows}) == 2
