"""JSON files as streams of their parts, so that a gigabyte of labels needs no gigabytes of memory.

The only module that imports ``ijson``.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

import ijson
from pydantic import BaseModel, ValidationError

from workbench.labeling.formats.file_label import Problem

__all__ = ["MalformedError", "checked", "first_keys", "is_json", "is_list", "items", "lines"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE_BYTES = 64 * 2**20
_HEAD_BYTES = 4_096
_DEEPEST = 1_000

_Model = TypeVar("_Model", bound=BaseModel)


class MalformedError(ValueError):
    """What is read is no JSON, or breaks off."""


def items(file: BinaryIO, prefix: str) -> Iterator[Any]:
    """Yield the values at ``prefix`` one after the other: ``item`` are those of a list, ``images.item`` of one in it.

    Reads ``file`` from its start. Raises MalformedError.
    """
    _rewind(file)
    try:
        yield from ijson.items(_Shallow(file), prefix, use_float=True)
    except (ijson.JSONError, UnicodeDecodeError) as exc:
        raise MalformedError(_first_line(exc)) from exc


def lines(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Yield the value of each line with its number, which counts from 1; blank lines have none."""
    _rewind(file)
    number = 0
    while line := file.readline(_LONGEST_LINE_BYTES):
        number += 1
        if line.isspace():
            continue
        try:
            value = json.loads(line)
            if rb"\ud" in line.lower():
                json.dumps(value, ensure_ascii=False).encode()  # half a character is no text that can be stored
            yield number, value
        except (ValueError, RecursionError) as exc:
            raise MalformedError(f"line {number}: {_first_line(exc)}") from exc


def first_keys(file: BinaryIO) -> Iterator[str]:
    """Yield the keys of the file's first object, be it the file itself, its first line or a list's first item.

    Damage ends them: what stands before it tells what the file was meant to be.
    """
    own = "item" if is_list(file) else ""
    _rewind(file)
    with suppress(ijson.JSONError, UnicodeDecodeError, MalformedError):
        for prefix, event, value in ijson.parse(_Shallow(file), use_float=True):  # without, long integers crash it
            if prefix == own and event == "end_map":
                return
            if prefix == own and event == "map_key":
                yield str(value)


def is_list(file: BinaryIO) -> bool:
    return _first_byte(file) == b"["


def is_json(file: BinaryIO) -> bool:
    return _first_byte(file) in (b"[", b"{")


def checked(model: type[_Model], value: object, where: str) -> _Model | Problem:
    """Return ``value`` as a ``model``, or what is wrong with it."""
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return Problem(where, f"{place}: {first['msg'].lower()}" if place else first["msg"].lower())


class _Shallow:
    """Reads ``file`` and raises MalformedError where its parts lie absurdly deep in each other.

    The parser names each part by its whole way down, so depth costs memory by its square.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._depth = file, 0

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        for start in range(0, len(content), _HEAD_BYTES):
            piece = content[start : start + _HEAD_BYTES]
            opened, closed = (sum(map(piece.count, brackets)) for brackets in ((b"[", b"{"), (b"]", b"}")))
            self._depth += opened - closed
            if self._depth > _DEEPEST:
                raise MalformedError(f"more than {_DEEPEST} lists and objects in each other")
        return content


def _first_byte(file: BinaryIO) -> bytes:
    _rewind(file)
    return file.read(_HEAD_BYTES).lstrip()[:1]


def _rewind(file: BinaryIO) -> None:
    file.seek(0)
    if file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        file.seek(0)


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
