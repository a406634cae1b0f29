"""What is wrong with a YAML file that a person wrote, in words: where its text breaks, and every wrong key at once."""

import difflib
import re
from collections.abc import Collection
from typing import Any

import yaml
from pydantic import ValidationError

from workbench.wording import in_short

__all__ = ["nearest_key", "where_yaml_breaks", "wrong_values"]

_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING_KEY = {"missing", "missing_argument"}
_LONGEST_KEY = 80
_SUBJECT = re.compile(r"^\w+ should ")
_IN_YAML = (
    (re.compile(r"a( valid)? dictionary( or( an)? instance of \w+)?$"), "keys with values"),
    (re.compile("a valid (tuple|list)$"), "a list"),
    (re.compile("a valid string$"), "a text"),
    (re.compile(" after validation, not 0$"), ""),
)


def where_yaml_breaks(error: Exception) -> str:
    """Return what a YAMLError, ValueError (no UTF-8, no date) or RecursionError found, and where, counted from 1."""
    if isinstance(error, RecursionError):
        return "lists or mappings too deep in each other"
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character U+{error.character:04X}, which YAML forbids, in place {error.position + 1}"
    if isinstance(error, ValueError) and not isinstance(error, UnicodeDecodeError):
        return str(error)
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "text that is not UTF-8"
    return f"{what} in line {mark.line + 1}, column {mark.column + 1}" if mark else str(what)


def wrong_values(error: ValidationError, known_keys: Collection[str], *, whole: str, prefix: str = "") -> list[str]:
    """Return one phrase for each mistake.

    ``known_keys`` are full keys such as ``training.learning_rate``; ``whole`` is what the value is called where no key
    of it is at fault, and ``prefix`` stands before each key.
    """
    return [_problem(one, known_keys, whole, prefix) for one in error.errors()]


def nearest_key(key: str, known_keys: Collection[str]) -> str:
    """Return `` (did you mean …?)`` with the known key most like ``key``, by its whole or by its last part."""
    sections = {name.rpartition(".")[0] for name in known_keys} - {""}
    candidates = [*known_keys, *sections]
    found = difflib.get_close_matches(key, candidates, n=1, cutoff=0.6)
    if not found:
        same_name = [name for name in candidates if name.rpartition(".")[2] == key.rpartition(".")[2]]
        by_name = {name.rpartition(".")[2]: name for name in candidates}
        close = difflib.get_close_matches(key.rpartition(".")[2], by_name, n=1, cutoff=0.6)
        found = same_name[:1] or [by_name[name] for name in close]
    return f" (did you mean {found[0]}?)" if found else ""


def _problem(error: Any, known_keys: Collection[str], whole: str, prefix: str) -> str:
    path = ".".join(str(part) for part in error["loc"] if part != "[key]")[:_LONGEST_KEY]
    key = f"{prefix}{path}" if path else prefix.rstrip(".") or whole
    if error["type"] in _UNKNOWN_KEY:
        return f"{key} is not a key{nearest_key(path, known_keys)}"
    if error["type"] in _MISSING_KEY:
        return f"{key} is missing"
    if error["type"] == "value_error":
        return f"{key}: {error['msg'].removeprefix('Value error, ')}"
    expected = _SUBJECT.sub("", error["msg"])
    for told, in_yaml in _IN_YAML:
        expected = told.sub(in_yaml, expected)
    return f"{key} should {expected}, not {in_short(error['input'])}"
