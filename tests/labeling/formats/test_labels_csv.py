from pathlib import Path

import pytest

from tests.labeling.formats.trees import labels
from workbench.errors import LabelFileError
from workbench.labeling.formats.file_label import FileLabel, Instant, PictureFile
from workbench.labeling.formats.labels_csv import save_csv
from workbench.labeling.formats.reading import read_labels

HEADER = "video,time_s,class,caption\n"


@pytest.fixture
def labels_csv(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_rows_round_trip_with_their_lines(labels_csv: Path, encoding: str) -> None:
    labels_csv.write_text(
        HEADER + 'a.mp4,0,clear,"Empty, quiet."\na.mp4,1.5,person," Ein Mann läuft. "\n', encoding=encoding
    )

    found = labels(labels_csv)

    assert found == [
        FileLabel(Instant("a.mp4", 0.0), "line 2", "clear", "Empty, quiet."),
        FileLabel(Instant("a.mp4", 1.5), "line 3", "person", "Ein Mann läuft."),
    ]
    labels_csv.write_text(save_csv(found))
    assert labels(labels_csv) == found


def test_columns_may_stand_in_another_order_beside_others(labels_csv: Path) -> None:
    labels_csv.write_text("note,Caption,class,TIME_S, video\nx,Empty.,clear,2,a.mp4\n")
    assert labels(labels_csv) == [FileLabel(Instant("a.mp4", 2.0), "line 2", "clear", "Empty.")]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("image,class\na/1.jpg,clear\n", FileLabel(PictureFile("a/1.jpg"), "line 2", class_name="clear")),
        ("image,caption\na/1.jpg,Empty.\n", FileLabel(PictureFile("a/1.jpg"), "line 2", caption="Empty.")),
        ("image,class,caption\n1.jpg,clear,Empty.\n", FileLabel(PictureFile("1.jpg"), "line 2", "clear", "Empty.")),
    ],
)
def test_pictures_are_named_and_a_column_may_be_left_out(labels_csv: Path, text: str, label: FileLabel) -> None:
    labels_csv.write_text(text)
    assert labels(labels_csv) == [label]
    again = save_csv([label])
    if label.class_name and label.caption:
        assert again == text


def test_all_problems_are_told_together(labels_csv: Path) -> None:
    labels_csv.write_text(
        HEADER
        + "a.mp4,soon,clear,Empty.\n"
        + "a.mp4,-1,person,A man.\n"
        + "a.mp4,nan,person,\n"
        + "a.mp4,4,truck,One.\n"
        + ",5,,Two.\n"
        + "a.mp4,4.0,truck,Three.\n"
        + "a.mp4,6\n"
        + "a.mp4,7,clear,Empty, quiet.\n"
        + "a.mp4,8,clear,Empty., \n"
    )
    with pytest.raises(LabelFileError) as caught:
        read_labels(labels_csv)
    for told in (
        "line 2: time_s 'soon' is not a number",
        "line 3: time_s '-1' is not a number of seconds >= 0",
        "line 4: time_s 'nan'",
        "line 4: no caption",
        "line 6: no video",
        "line 6: no class",
        "line 7: labels the same instant of a.mp4 as line 5",
        "line 8: no caption",
        "line 9: more values than columns; a text with a comma belongs in quotes",
        "nothing was written",
    ):
        assert told in str(caught.value)
    assert "line 10" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_many_problems_are_counted(labels_csv: Path) -> None:
    labels_csv.write_text(HEADER + "".join(f"a.mp4,{number},,A cat.\n" for number in range(50)))
    with pytest.raises(LabelFileError, match="and 30 more"):
        read_labels(labels_csv)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column video, time_s, class, caption"),
        (b"video,time_s,label\n", "no column class, caption"),
        (b"video,caption\na,b\n", "no column time_s"),
        (b"video;time_s;class;caption\na.mp4;0;clear;Empty.\n", "line 1: columns with ';' between them"),
        (b"video\ttime_s\tclass\tcaption\n", "line 1: columns with .* between them; save the file with commas"),
        (b"video,time_s,class,caption,class\na.mp4,0,clear,Empty.,truck\n", "line 1: the column class more than once"),
        (HEADER.encode() + b"a.mp4,0,clear,\xff\n", "it is not in UTF-8"),
        (HEADER.encode("utf-16"), "it is not in UTF-8"),
        (HEADER.encode() + b'a.mp4,0,clear,"open\n', "line 2: a quote that is not closed"),
        (HEADER.encode() + b'a.mp4,0,clear,x\na.mp4,1,clear,"open\nb,2,c,d\n', "line 3: a quote that is not closed"),
        pytest.param(
            HEADER.encode() + b'a.mp4,0,clear,"open\n' + b"b,2,c,d\n" * 20_000, "line 2: a quote that is", id="long"
        ),
        (b"\x00\x01\x02" * 100, "no column"),
    ],
)
def test_a_file_of_another_kind_is_refused(labels_csv: Path, content: bytes, told: str) -> None:
    labels_csv.write_bytes(content)
    with pytest.raises(LabelFileError, match=told):
        read_labels(labels_csv)


def test_a_missing_file_is_named(labels_csv: Path) -> None:
    with pytest.raises(LabelFileError, match=r"labels\.csv, but found No such file"):
        read_labels(labels_csv)


def test_the_real_labels_are_usable(shared_footage: Path) -> None:
    rows = read_labels(shared_footage / "labels.csv")
    assert len(rows) == 122
    assert len({row.shown.video for row in rows if isinstance(row.shown, Instant)}) == 2
