"""``meteor_exact_stem``: METEOR 1.5 for English with its exact and stem modules alone, in pure Python.

Denkowski and Lavie, "Meteor Universal: Language Specific Translation Evaluation for Any Target Language", WMT 2014.
Full METEOR also matches WordNet synonyms and paraphrases, whose tables are not shipped here; its scores are higher and
must not be compared with these. The alignment follows the published program's beam search, quirks included (marked).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import attrgetter

import numpy as np

from workbench.evaluation.meteor_function_words import FUNCTION_WORDS
from workbench.evaluation.meteor_words import meteor_words
from workbench.evaluation.ngrams import Tokens
from workbench.evaluation.porter2 import stem
from workbench.statistics.statistic import Floats, Statistic

__all__ = ["meteor_exact_stem", "meteor_of_sums"]

_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_STEM_WEIGHT = 0.6
_BEAM_SIZE = 40


def meteor_exact_stem(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> Statistic:
    """Return METEOR over the images; each counts with the reference that suits its candidate best.

    A row holds the lengths of candidate and reference and the matches in both, function words weighted, then plain
    matches and chunks. A candidate matched whole and in order adds no chunk, as in the published program.
    """
    pairs = zip(candidates, references, strict=True)
    rows = [_best_row(meteor_words(" ".join(candidate)), group) for candidate, group in pairs]
    return Statistic("meteor_exact_stem", np.array(rows, dtype=np.float64).reshape(-1, 6), meteor_of_sums)


def meteor_of_sums(sums: Floats) -> Floats:
    """Map summed rows ``[..., 6]`` to METEOR scores ``[...]``; nothing matched gives 0."""
    length, reference_length, in_candidate, in_reference, matches, chunks = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = in_candidate / length, in_reference / reference_length
        mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
        score = mean * (1 - _GAMMA * (chunks / matches) ** _BETA)
    scores: Floats = np.maximum(0.0, np.nan_to_num(score))
    return scores


def _best_row(candidate: list[str], references: Sequence[Tokens]) -> list[float]:
    rows = [_row(candidate, meteor_words(" ".join(reference))) for reference in references]
    if len(rows) == 1:
        return rows[0]
    return rows[int(np.argmax(meteor_of_sums(np.array(rows))))]


def _row(candidate: list[str], reference: list[str]) -> list[float]:
    matches = _align(candidate, reference)
    chunks = _count_chunks(matches)
    is_whole = chunks == 1 and len(candidate) == len(reference) == len(matches)
    return [
        sum(map(_word_weight, candidate)),
        sum(map(_word_weight, reference)),
        sum(match.weight * _word_weight(candidate[match.place]) for match in matches.values()),
        sum(match.weight * _word_weight(reference[place]) for place, match in matches.items()),
        len(matches),
        0 if is_whole else chunks,
    ]


def _word_weight(word: str) -> float:
    return 1 - _DELTA if word in FUNCTION_WORDS else _DELTA


@dataclass(frozen=True)
class _Match:
    """A candidate word, by its place, that may stand for a reference word."""

    place: int
    weight: float


@dataclass
class _Path:
    """A partial alignment: the matches chosen so far by reference place, and what it is ranked by."""

    matches: dict[int, _Match] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    exact: int = 0
    chunks: int = 0
    distance: int = 0
    next_place: int = -1
    """The candidate place that would continue the open chunk; -1 when none is open."""

    @property
    def rank(self) -> tuple[int, int, int]:
        return -self.exact, self.chunks, self.distance

    def copy(self) -> "_Path":
        return _Path(dict(self.matches), set(self.used), self.exact, self.chunks, self.distance, self.next_place)

    def take(self, reference_place: int, match: _Match) -> None:
        self.matches[reference_place] = match
        self.used.add(match.place)
        self.exact += match.weight == 1  # quirk: stem matches do not count in the ranking
        self.chunks += self.next_place not in (-1, match.place)
        self.next_place = match.place + 1

    def skip(self) -> None:
        self.chunks += self.next_place != -1
        self.next_place = -1


def _align(candidate: list[str], reference: list[str]) -> dict[int, _Match]:
    """Return the chosen match of each matched reference place."""
    if candidate == reference:
        return {place: _Match(place, 1.0) for place in range(len(reference))}
    possible = _possible_matches(candidate, reference)
    certain = _certain_matches(possible)
    paths = [_Path(used={match.place for match in certain.values()})]
    for place, matches in enumerate(possible):
        paths = [longer for path in _best(paths) for longer in _extend(path, place, matches, certain.get(place))]
    paths = _best(paths)  # quirk: of paths that are equal at last, the one that was ahead before the last chunk closed
    for path in paths:
        path.skip()
    return _best(paths)[0].matches


def _best(paths: list[_Path]) -> list[_Path]:
    """Return the paths that the beam holds, best first; equal ones stay in their order."""
    return sorted(paths, key=attrgetter("rank"))[:_BEAM_SIZE]


def _possible_matches(candidate: list[str], reference: list[str]) -> list[list[_Match]]:
    """Return per reference place its matches: the same word first, then words of the same stem."""
    keys = list(map(_keys, candidate))
    return [
        [_Match(place, 1.0) for place, (other, _) in enumerate(keys) if other == word_key]
        + [
            _Match(place, _STEM_WEIGHT)
            for place, (other, other_stem) in enumerate(keys)
            if other_stem == stem_key and other != word_key
        ]
        for word_key, stem_key in map(_keys, reference)
    ]


@lru_cache(maxsize=65536)
def _keys(word: str) -> tuple[int, int]:
    """Return what stands for a word and for its stem when they are compared."""
    return _java_hash(word), _java_hash(stem(word))


def _java_hash(text: str) -> int:
    """Return Java's 32-bit hash of a text, by which METEOR compares; quirk: ``to`` and ``v1`` share one and match."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2").tolist()
    return reduce(lambda hashed, unit: (31 * hashed + unit) % 2**32, units, 0)


def _certain_matches(possible: list[list[_Match]]) -> dict[int, _Match]:
    """Return the matches between two words that have no other."""
    wanted = [match.place for matches in possible for match in matches]
    return {
        place: matches[0]
        for place, matches in enumerate(possible)
        if len(matches) == 1 and wanted.count(matches[0].place) == 1
    }


def _extend(path: _Path, place: int, matches: list[_Match], certain: _Match | None) -> list[_Path]:
    """Return the paths that go on from ``path``: one for each free match at ``place``, and one without any."""
    if certain is not None:
        path.take(place, certain)
        path.distance += abs(place - certain.place)
        return [path]
    longer = []
    for match in matches:
        if match.place not in path.used:
            taken = path.copy()
            taken.take(place, match)
            longer.append(taken)
            path.distance += abs(place - match.place)  # quirk: the distance is charged to the path that goes without
    path.skip()
    return [*longer, path]


def _count_chunks(matches: dict[int, _Match]) -> int:
    """Count the runs of matches that are contiguous and in the same order on both sides."""
    places = sorted(matches)
    return sum(
        place == 0 or place - 1 not in matches or matches[place - 1].place + 1 != matches[place].place
        for place in places
    )
