"""Which of a site's objects a caption speaks of, by the words that people use for them."""

from collections.abc import Iterator, Mapping

from workbench.errors import UsageError
from workbench.evaluation.ptb import tokenise

__all__ = ["COMMON_OBJECTS", "PEOPLE", "ObjectWords"]

PEOPLE = (
    "man", "woman", "child", "boy", "girl", "worker", "pedestrian", "picker", "driver", "cyclist", "operator", "guard",
    "visitor", "customer", "employee", "crowd", "passenger", "rider",
)  # fmt: skip
COMMON_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "person": PEOPLE,
    "truck": ("lorry", "semi-trailer"),
    "car": ("sedan", "suv", "taxi"),
    "van": ("minivan",),
    "bus": ("coach",),
    "motorcycle": ("motorbike", "scooter"),
    "bicycle": ("bike",),
    "forklift": ("fork lift", "fork-lift", "reach truck", "lift truck"),
    "pallet": (),
    "box": ("carton", "crate", "parcel", "package"),
    "trolley": ("cart", "roll cage"),
    "dog": (),
    "cat": (),
    "umbrella": (),
    "bag": ("backpack", "suitcase"),
    "smoke": (),
    "fire": ("flame",),
    "spill": ("puddle",),
}
"""What cameras of most sites see, with other words for it: in use where a site names no objects of its own."""

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "geese": "goose",
}  # fmt: skip
_ENDINGS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("men", "man"), ("es", ""), ("s", ""))


class ObjectWords:
    """A mapping of words and phrases, in the singular, to objects: ``{"lorry": "truck", "fork lift": "forklift"}``.

    Each object is also known by its own name. Plurals are found, capitals do not matter, and of phrases that overlap
    the longest counts, so that a "hot dog" is no dog.
    """

    def __init__(self, objects: Mapping[str, str]) -> None:
        known = {**{name: name for name in objects.values()}, **objects}
        self._objects = {tuple(tokenise(phrase.lower())): name for phrase, name in known.items()}
        if not self._objects or () in self._objects:
            raise UsageError(
                expected="at least one object with a word for it",
                found="an empty word" if self._objects else "none",
                remedy="name the objects of the site with the words that captions use",
            )
        self._longest = max(map(len, self._objects))

    @classmethod
    def of(cls, words: Mapping[str, tuple[str, ...]]) -> "ObjectWords":
        """Return the objects with the other words for each."""
        return cls({word: name for name, others in words.items() for word in (name, *others)})

    @property
    def objects(self) -> tuple[str, ...]:
        return tuple(sorted(set(self._objects.values())))

    def mentions(self, caption: str) -> list[str]:
        """Return the objects spoken of, in order, one for each mention."""
        words, found, place = tokenise(caption), list[str](), 0
        while place < len(words):
            length, name = self._longest_at(words, place)
            if name is not None:
                found.append(name)
            place += length
        return found

    def _longest_at(self, words: list[str], place: int) -> tuple[int, str | None]:
        for length in range(min(self._longest, len(words) - place), 0, -1):
            *before, last = words[place : place + length]
            for singular in _singulars(last):
                if name := self._objects.get((*before, singular)):
                    return length, name
        return 1, None


def _singulars(word: str) -> Iterator[str]:
    yield word
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    for ending, singular in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word.removesuffix(ending) + singular
