"""Reads the JSON files that people bring to be measured, and tells in one sentence what is wrong with one."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeGuard

from workbench.errors import UsageError

__all__ = ["Key", "Rows", "check_same", "keys_of", "read_json", "read_rows", "refuse", "text_of"]

Key = int | str
Rows = Sequence[Mapping[str, object]]


def read_json(path: Path) -> object:
    """Return what a JSON file holds. UsageError when it is missing, empty or no JSON."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        refuse(path, "a file that can be read", exc.strerror or "none", "check its name", exc)
    except UnicodeDecodeError as exc:
        refuse(path, "JSON in UTF-8", "other bytes", "save it as UTF-8", exc)
    if not text.strip():
        refuse(path, "JSON", "an empty file", "check what wrote it")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        refuse(path, "JSON", f"something else ({exc})", "check what wrote it", exc)


def read_rows(path: Path, layout: str, *, below: str = "") -> Rows:
    """Return the objects of a list that is the file's content, or stands under the key ``below``; at least one."""
    content = read_json(path)
    if below:
        content = content.get(below) if isinstance(content, Mapping) else None
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        refuse(path, layout, "another layout", "convert the file")
    if not content:
        refuse(path, layout, "an empty list", "check what wrote it")
    return content


def keys_of(path: Path, rows: Rows, name: str, *, alone: bool = True) -> list[Key]:
    """Return each row's id; UsageError when one is missing, or there twice where each must stand ``alone``."""
    keys = [key for row in rows if _is_key(key := row.get(name))]
    wrong = [row.get(name) for row in rows if not _is_key(row.get(name))]
    if wrong:
        found = f"{'none' if wrong[0] is None else json.dumps(wrong[0])[:40]} in {len(wrong)} of {len(rows)}"
        refuse(path, f'a whole number or text as "{name}" in every row', found, "correct those rows")
    twice = [key for key, count in Counter(keys).items() if count > 1] if alone else []
    if twice:
        refuse(path, f'each "{name}" once', f"{_some(twice)} more than once", "keep one row of each")
    return keys


def text_of(path: Path, row: Mapping[str, object], name: str) -> str:
    """Return a row's text, which may be empty; UsageError when there is none."""
    text = row.get(name)
    if not isinstance(text, str):
        refuse(path, f'a text as "{name}" in every row', f"{json.dumps(text)[:40]} in one", "correct that row")
    return text


def check_same(path: Path, found: Iterable[Key], other: Path, expected: Iterable[Key], what: str) -> None:
    """Refuse ``path`` when it speaks of other things than ``other`` does, or leaves some out."""
    here, there = dict.fromkeys(found), dict.fromkeys(expected)
    if set(here).isdisjoint(there) and set(map(str, here)) == set(map(str, there)):
        refuse(path, f"{what} ids written as in {other.name}", "numbers and texts mixed up", "write both alike")
    unknown, missing = [key for key in here if key not in there], [key for key in there if key not in here]
    if unknown:
        refuse(
            path, f"only {what}s of {other.name}", f"{_some(unknown)} not there", "check that the files belong together"
        )
    if missing:
        refuse(path, f"a row for every {what} of {other.name}", f"none for {_some(missing)}", "add the missing rows")


def refuse(path: Path, expected: str, found: str, remedy: str, cause: Exception | None = None) -> NoReturn:
    raise UsageError(expected=f"{expected} in {path}", found=found, remedy=remedy) from cause


def _is_key(value: object) -> TypeGuard[Key]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _some(keys: Sequence[Key]) -> str:
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return f"{keys[0]!r}{more}"
