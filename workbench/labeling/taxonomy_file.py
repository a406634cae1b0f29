"""A site's taxonomy as a YAML file, and back.

Values are taken as they are typed: ``options: [yes, no]`` and ``hotkey: 1`` need no quotes. Lists are counted from 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from workbench.domain import CaptionGuide, LabelClass, Question, Taxonomy
from workbench.errors import UsageError
from workbench.labeling.hotkeys import hotkey_problems
from workbench.yaml_problems import nearest_key, where_yaml_breaks, wrong_values
from workbench.yaml_text import as_typed

__all__ = ["read_taxonomy", "taxonomy_to_yaml", "yaml_to_taxonomy"]

_SECTIONS = [field.name for field in fields(Taxonomy)]
_TEXTS = tuple[str, ...]
_WORDS_BY_OBJECT = dict[str, tuple[str, ...]]

_Part = TypeVar("_Part")


def read_taxonomy(path: Path) -> Taxonomy:
    """Read the taxonomy at ``path``; UsageError tells all of its problems together."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            expected=f"a taxonomy at {path}",
            found=error.strerror or "nothing",
            remedy="correct the path; `workbench taxonomy show` prints one to begin with",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            expected=f"YAML in {path}", found=where_yaml_breaks(error), remedy="save the file as UTF-8"
        ) from error
    return yaml_to_taxonomy(text, name=path.name)


def yaml_to_taxonomy(text: str, *, name: str = "the taxonomy") -> Taxonomy:
    """Return the taxonomy that ``text`` describes; ``name`` is what errors call it."""
    try:
        content = as_typed(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(
            expected=f"YAML in {name}",
            found=f"text that is none ({where_yaml_breaks(error)})",
            remedy="correct that line, or put a text with punctuation into quotes",
        ) from error
    if not isinstance(content, dict):
        raise UsageError(
            expected=f"sections such as 'classes:' in {name}",
            found="a list" if isinstance(content, list) else "none",
            remedy="begin with what `workbench taxonomy show` prints",
        )
    return _Reader(name).taxonomy(content)


def taxonomy_to_yaml(taxonomy: Taxonomy) -> str:
    """Return a taxonomy file that reads back as an equal value; what is empty is left out."""
    content = {
        "classes": [_told(asdict(one)) for one in taxonomy.classes],
        "caption_guide": _told(asdict(taxonomy.caption_guide)),
        "questions": [_told(asdict(question)) for question in taxonomy.questions],
        "boxes": list(taxonomy.boxes),
        "timeline": True if taxonomy.timeline == taxonomy.class_names else list(taxonomy.timeline),
        "objects": {name: list(words) for name, words in taxonomy.objects.items()},
    }
    return yaml.safe_dump(_told(content), sort_keys=False, allow_unicode=True, width=100)


class _Reader:
    """Collects what is wrong with each part, so that all of it is told together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[str] = []

    def taxonomy(self, content: Mapping[str, Any]) -> Taxonomy:
        unknown = [key for key in content if key not in _SECTIONS]
        self._problems += [f"{key} is not a key{nearest_key(key, _SECTIONS)}" for key in unknown]
        if not content.get("classes"):
            self._problems.append("classes is missing")
        classes = self._each(LabelClass, "classes", content)
        guide = self._read(CaptionGuide, content.get("caption_guide") or {}, "caption_guide")
        questions = self._each(Question, "questions", content)
        boxes = self._read(_TEXTS, content.get("boxes") or [], "boxes")
        timeline = self._timeline(content.get("timeline", []), [one.name for one in classes])
        self._problems += hotkey_problems(classes)
        all_read = len(classes) == len(content.get("classes") or [])
        objects = self._read(_WORDS_BY_OBJECT, content.get("objects") or {}, "objects")
        parts = (guide or CaptionGuide(), questions, boxes or (), timeline or (), objects or {})
        taxonomy = self._whole(classes, *parts) if classes and all_read else None
        if taxonomy is None or self._problems:
            raise self._unusable()
        return taxonomy

    def _whole(self, *parts: Any) -> Taxonomy | None:
        """Return the taxonomy without the parts that could not be read, so that the others are compared."""
        try:
            return Taxonomy(*parts)
        except UsageError as error:
            self._problems.append(_sentence(error))
        return None

    def _each(self, kind: type[_Part], key: str, content: Mapping[str, Any]) -> tuple[_Part, ...]:
        items = content.get(key) or []
        if not isinstance(items, list):
            self._problems.append(f"{key} should be a list, not {items!r}")
            return ()
        read = (self._read(kind, item, f"{key}[{place}]") for place, item in enumerate(items, start=1))
        return tuple(item for item in read if item is not None)

    def _read(self, kind: Any, content: object, at: str) -> Any:
        try:
            return TypeAdapter(kind).validate_python(content)
        except ValidationError as error:
            known = [field.name for field in fields(kind)] if is_dataclass(kind) else []
            self._problems += wrong_values(error, known, whole=at, prefix=f"{at}.")
        except UsageError as error:
            self._problems.append(f"{at}: {_sentence(error)}")
        return None

    def _timeline(self, content: object, class_names: Iterable[str]) -> tuple[str, ...] | None:
        """Return the classes that ``timeline`` names, all of them where it says so."""
        if isinstance(content, str) and content.lower() in {"true", "yes", "on"}:
            return tuple(class_names)
        if not content or (isinstance(content, str) and content.lower() in {"false", "no", "off"}):
            return ()
        read: tuple[str, ...] | None = self._read(_TEXTS, content, "timeline")
        return read

    def _unusable(self) -> UsageError:
        count = len(self._problems)
        return UsageError(
            expected=f"a taxonomy without mistakes in {self._name}",
            found=f"{count} problem{'s' if count > 1 else ''}: {'; '.join(self._problems)}",
            remedy="correct it; nothing was changed",
        )


def _sentence(error: UsageError) -> str:
    return f"expected {error.expected}, but found {error.found}"


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value}
