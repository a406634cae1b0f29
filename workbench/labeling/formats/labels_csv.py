"""Labels as CSV: ``video,time_s,class,caption``, one labelled instant a line, or ``image,class,caption`` for pictures.

The format is this project's own. One of class and caption may be left out of the header; columns of other names are
not read.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from workbench.labeling.formats.file_label import Entry, FileLabel, Instant, PictureFile, Problem

__all__ = ["is_header", "load_csv", "save_csv"]

_VIDEO, _TIME, _PICTURE, _CLASS, _CAPTION = "video", "time_s", "image", "class", "caption"


def is_header(line: str) -> bool:
    """Tell whether ``line`` may be the first of such a file."""
    columns = {column.strip().lower() for column in line.split(",")}
    return bool(columns & {_VIDEO, _PICTURE}) and bool(columns & {_CLASS, _CAPTION})


def load_csv(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield what each line below the header says, and all that is wrong with it."""
    reader = csv.DictReader(lines, strict=True)
    begins_at = 1
    try:
        columns = [column.strip().lower() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        if wrong := _wrong_header(columns):
            yield Problem("line 1", wrong)
            return
        first_line: dict[Instant | PictureFile, int] = {}
        begins_at = 2
        for fields in reader:
            texts = {column: (fields.get(column) or "").strip() for column in columns}
            problems = [*_problems(texts), *_beyond(fields.get(None))]
            yield from (Problem(f"line {reader.line_num}", what) for what in problems)
            if not problems:
                label = _label(texts, reader.line_num)
                earlier = first_line.setdefault(label.shown, reader.line_num)
                if earlier != reader.line_num:
                    yield Problem(label.where, _repeats(label.shown, earlier))
                yield label
            begins_at = reader.line_num + 1
    except csv.Error as exc:
        is_open = reader.reader.line_num > begins_at or "end of data" in str(exc)
        yield Problem(f"line {begins_at}", "a quote that is not closed" if is_open else str(exc))


def save_csv(labels: Sequence[FileLabel]) -> str:
    """Return instants as ``video,time_s,class,caption``, pictures as ``image,class,caption``."""
    of_videos = any(isinstance(label.shown, Instant) for label in labels)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_VIDEO, _TIME, _CLASS, _CAPTION] if of_videos else [_PICTURE, _CLASS, _CAPTION])
    for label in labels:
        shown = label.shown
        where = [shown.video, f"{shown.time_s:.15g}"] if isinstance(shown, Instant) else [shown.path]
        writer.writerow([*where, label.class_name, label.caption])
    return text.getvalue()


def _wrong_header(columns: Sequence[str]) -> str:
    """Return what is wrong with the names of the columns; nothing where they will do."""
    twice = [column for column in (_VIDEO, _TIME, _PICTURE, _CLASS, _CAPTION) if columns.count(column) > 1]
    if len(columns) == 1 and (other := re.search(r"[;\t]", columns[0])):
        return f"columns with {other.group()!r} between them; save the file with commas"
    if missing := _missing(columns):
        return f"no column {missing}"
    return f"the column {twice[0]} more than once" if twice else ""


def _missing(columns: Sequence[str]) -> str:
    """Return which columns are missing, separated by commas."""
    of_place = [] if _PICTURE in columns else [column for column in (_VIDEO, _TIME) if column not in columns]
    of_label = [] if {_CLASS, _CAPTION} & set(columns) else [_CLASS, _CAPTION]
    return ", ".join([*of_place, *of_label])


def _problems(texts: dict[str, str]) -> Iterator[str]:
    place = _PICTURE if _PICTURE in texts else _VIDEO
    if not texts[place]:
        yield f"no {place}"
    if place == _VIDEO and not _is_instant(texts[_TIME]):
        yield f"time_s '{texts[_TIME]}' is not a number of seconds >= 0"
    yield from (f"no {column}" for column in (_CLASS, _CAPTION) if column in texts and not texts[column])


def _beyond(rest: Sequence[str] | None) -> Iterator[str]:
    """Yield what is wrong where a line has more values than the header names columns."""
    if any(map(str.strip, rest or ())):
        yield "more values than columns; a text with a comma belongs in quotes"


def _label(texts: dict[str, str], line: int) -> FileLabel:
    named = _PICTURE in texts
    return FileLabel(
        shown=PictureFile(texts[_PICTURE]) if named else Instant(texts[_VIDEO], float(texts[_TIME])),
        where=f"line {line}",
        class_name=texts.get(_CLASS, ""),
        caption=texts.get(_CAPTION, ""),
    )


def _repeats(shown: Instant | PictureFile, earlier: int) -> str:
    what = f"the same instant of {shown.video}" if isinstance(shown, Instant) else f"the same picture {shown}"
    return f"labels {what} as line {earlier}"


def _is_instant(text: str) -> bool:
    try:
        time_s = float(text)
    except ValueError:
        return False
    return math.isfinite(time_s) and time_s >= 0
