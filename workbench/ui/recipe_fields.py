"""The fields of a recipe, read from its JSON schema: a new key of a recipe has its field without a line here.

What differs from the values that the fields were filled with becomes overrides: what nobody touched is left to the
file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from workbench.recipe import Recipe
from workbench.search_recipe import SearchRecipe

__all__ = ["MOST_PARTS", "PARTS", "Field", "Filled", "RecipeFields", "Section"]

MOST_PARTS = 4
"""Parts of the model that have fields; recipes name three or four."""
PARTS, _PATH = "parts", "path"
_TITLES = {
    "base": "Base model",
    "parts": "What is tuned",
    "lora": "Adapter",
    "loss": "Loss",
    "data": "Data",
    "training": "Optimisation",
    "scaling": "Where it runs",
    "export": "Export",
}

Filled = Mapping[str, Any]
"""Values by full key, such as ``training.learning_rate``."""


@dataclass(frozen=True)
class Field:
    """One key of a recipe; in ``parts`` that of the part in place ``part``, counted from 0."""

    key: str
    info: str
    kind: Literal["choice", "switch", "whole", "number", "text"]
    choices: tuple[str, ...] = ()
    part: int | None = None

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    def full_key(self, parts: Sequence[str]) -> str | None:
        """Return the key in a recipe with these ``parts``; None where it has fewer."""
        if self.part is None:
            return self.key
        return f"{PARTS}.{parts[self.part]}.{self.name}" if self.part < len(parts) else None


@dataclass(frozen=True)
class Section:
    title: str
    fields: tuple[Field, ...]
    nested: tuple["Section", ...] = ()

    def all_fields(self) -> Iterator[Field]:
        yield from self.fields
        for section in self.nested:
            yield from section.all_fields()


class RecipeFields:
    """``sections`` in the order of a recipe of ``kind``; everywhere else values stand in the order of ``fields``.

    Lists have no field.
    """

    def __init__(self, kind: type[Recipe] | type[SearchRecipe]) -> None:
        self.sections = tuple(_sections(kind.model_json_schema()))
        self.fields = [field for section in self.sections for field in section.all_fields()]

    def keys(self, filled: Filled) -> list[str | None]:
        """Return the key that each field stands for; None where the recipe has fewer parts."""
        parts = list(dict.fromkeys(key.split(".")[1] for key in filled if key.startswith(f"{PARTS}.")))
        return [field.full_key(parts) for field in self.fields]

    def values(self, recipe: Recipe | SearchRecipe) -> list[Any]:
        filled = recipe.flat()
        return [None if key is None else filled[key] for key in self.keys(filled)]

    def overrides(self, values: Sequence[Any], filled: Filled) -> list[str]:
        """Return what in ``values`` differs from what the fields were ``filled`` with."""
        return [
            f"{key}={json.dumps(value, ensure_ascii=False)}"
            for key, value in zip(self.keys(filled), map(_plain, values), strict=True)
            if key is not None and value != _plain(filled[key])
        ]


def _sections(schema: Mapping[str, Any]) -> Iterator[Section]:
    """Yield the sections of a recipe; keys in none of them go to the head of the one behind them."""
    loose: list[Field] = []
    for name, entry in schema["properties"].items():
        if entry.get("$ref") or name == PARTS:
            section = _section(schema, name, entry)
            yield replace(section, fields=(*loose, *section.fields))
            loose = []
        elif "const" not in entry:
            loose.append(_field(name, entry))


def _section(schema: Mapping[str, Any], name: str, entry: Mapping[str, Any]) -> Section:
    title = _TITLES.get(name, name.title())
    if name != PARTS:
        return _fields(schema, name, title, _referred(schema, entry))
    part = _referred(schema, entry["additionalProperties"])["properties"]
    places = [
        Section("", tuple(_field(f"{PARTS}.{key}", one, place) for key, one in part.items() if key != _PATH))
        for place in range(MOST_PARTS)
    ]
    return Section(title, (), tuple(places))


def _fields(schema: Mapping[str, Any], prefix: str, title: str, entry: Mapping[str, Any]) -> Section:
    fields, nested = [], []
    for name, one in entry["properties"].items():
        key = f"{prefix}.{name}"
        if "$ref" in one:
            nested.append(_fields(schema, key, name.replace("_", " "), _referred(schema, one)))
        elif one.get("type") != "array":
            fields.append(_field(key, one))
    return Section(title, tuple(fields), tuple(nested))


def _field(key: str, entry: Mapping[str, Any], part: int | None = None) -> Field:
    info = " ".join(entry.get("description", "").replace("``", "").split())
    kinds = {one.get("type") for one in entry.get("anyOf", [entry])}
    if "enum" in entry:
        return Field(key, info, "choice", tuple(entry["enum"]), part)
    if "boolean" in kinds:
        return Field(key, info, "switch", part=part)
    if "number" in kinds:
        return Field(key, info, "number", part=part)
    return Field(key, info, "whole" if "integer" in kinds else "text", part=part)


def _referred(schema: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["$defs"][entry["$ref"].rpartition("/")[2]]
    return found


def _plain(value: Any) -> Any:
    """Return a value as a recipe has it: a field that is empty is no text, and 2.0 is 2."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value or None if isinstance(value, str) else value
