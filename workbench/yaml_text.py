"""YAML that a person writes: every key once, and numbers that are what they look like.

YAML 1.1 takes ``1:30`` for 90, ``010`` for 8 and ``1e-4`` for a text. Here numbers are the decimal ones of YAML 1.2's
core schema (https://yaml.org/spec/1.2.2/#103-core-schema); what else looks like one is a text, and so is a date.
"""

import math
import re
from typing import Any

import yaml
from yaml.composer import Composer

__all__ = ["as_typed", "dump_yaml", "load_yaml"]

_TAG = "tag:yaml.org,2002:"
_REPLACED = {f"{_TAG}{name}" for name in ("int", "float", "timestamp")}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_NUMBER = re.compile(
    r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$"
)


def load_yaml(text: str) -> Any:
    """Return what ``text`` says; YAMLError also where a key stands twice, ValueError or RecursionError as of Python."""
    return yaml.load(text, Loader=_AsMeant)  # noqa: S506  it makes plain values alone


def as_typed(text: str) -> Any:
    """Return what ``text`` says with every value as the text that was typed: ``yes`` and ``1`` need no quotes."""
    return yaml.load(text, Loader=_AsTyped)  # noqa: S506  it makes texts, lists and mappings alone


def dump_yaml(content: Any) -> str:
    """Return YAML from which ``load_yaml`` makes an equal value."""
    return yaml.dump(content, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=math.inf)


class _EachKeyOnce(Composer):
    """Takes a key that is no text, or that is given twice, for the mistake it is."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys = set()
        for key, _ in node.value:
            is_text = isinstance(key, yaml.ScalarNode)
            if not is_text or key.value in keys:
                what = f"'{key.value}' for the second time" if is_text else "a key that is no text"
                raise yaml.composer.ComposerError(None, None, what, key.start_mark)
            keys.add(key.value)
        return node


class _AsTyped(_EachKeyOnce, yaml.BaseLoader):
    pass


class _AsMeant(_EachKeyOnce, yaml.SafeLoader):
    pass


class _Quoting(yaml.SafeDumper):
    """Quotes texts that either version of YAML would take for a number."""


_AsMeant.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind in (_AsMeant, _Quoting):
    _kind.add_implicit_resolver(f"{_TAG}int", _WHOLE, list("-+0123456789"))
    _kind.add_implicit_resolver(f"{_TAG}float", _NUMBER, list("-+.0123456789"))
