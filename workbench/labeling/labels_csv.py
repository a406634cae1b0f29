"""Existing labels as a CSV file: ``video,time_s,class,caption``, one labelled instant a line."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from workbench.domain import Answer
from workbench.errors import LabelFileError

__all__ = ["COLUMNS", "LabelRow", "read_labels"]

COLUMNS = ("video", "time_s", "class", "caption")

_PROBLEMS_TOLD = 20


@dataclass(frozen=True)
class LabelRow:
    """What somebody said about the frame ``time_s`` seconds into ``video`` (a file name); ``line`` counts from 1."""

    video: str
    time_s: float
    class_name: str
    caption: str
    line: int

    @property
    def answer(self) -> Answer:
        return Answer(self.class_name, self.caption)


def read_labels(path: Path, *, class_names: Sequence[str] | None) -> tuple[LabelRow, ...]:
    """Return every row of a labels file (UTF-8, with or without a byte order mark).

    Classes are checked against ``class_names`` unless it is None. All problems of the file are told together in one
    LabelFileError.
    """
    lines = list(_read_lines(path))
    problems = [problem for number, fields in lines for problem in _problems(number, fields, class_names)]
    problems += _repetitions(lines)
    if not lines:
        problems = ["no row below the header"]
    if problems:
        raise _unusable(path, problems)
    return tuple(
        LabelRow(fields["video"], float(fields["time_s"]), fields["class"], fields["caption"], number)
        for number, fields in lines
    )


def _read_lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise _unusable(path, [f"line 1: no column {', '.join(missing)}"])
            for fields in reader:
                yield reader.line_num, {column: (fields[column] or "").strip() for column in COLUMNS}
    except OSError as error:
        raise LabelFileError(
            expected=f"a labels file at {path}", found=error.strerror or str(error), remedy="correct the path"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, [str(error)]) from error


def _problems(number: int, fields: Mapping[str, str], class_names: Sequence[str] | None) -> Iterator[str]:
    if not fields["video"]:
        yield f"line {number}: no video"
    if not _is_instant(fields["time_s"]):
        yield f"line {number}: time_s '{fields['time_s']}' is not a number of seconds >= 0"
    if not fields["caption"]:
        yield f"line {number}: no caption"
    class_name = fields["class"]
    if not class_name:
        yield f"line {number}: no class"
    elif class_names is not None and class_name not in class_names:
        nearest = get_close_matches(class_name, class_names, n=1)
        hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
        yield f"line {number}: unknown class '{class_name}'{hint}; the site has {', '.join(class_names)}"


def _is_instant(text: str) -> bool:
    try:
        time_s = float(text)
    except ValueError:
        return False
    return math.isfinite(time_s) and time_s >= 0


def _repetitions(lines: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[str]:
    first_line: dict[tuple[str, float], int] = {}
    for number, fields in lines:
        if _is_instant(fields["time_s"]):
            earlier = first_line.setdefault((fields["video"], float(fields["time_s"])), number)
            if earlier != number:
                yield f"line {number}: labels the same instant of {fields['video']} as line {earlier}"


def _unusable(path: Path, problems: Sequence[str]) -> LabelFileError:
    told = "; ".join(problems[:_PROBLEMS_TOLD])
    more = f"; and {len(problems) - _PROBLEMS_TOLD} more" if len(problems) > _PROBLEMS_TOLD else ""
    return LabelFileError(
        expected=f"the columns {','.join(COLUMNS)} with usable values in {path.name}",
        found=told + more,
        remedy="correct the file and run the command again; nothing was written",
    )
