"""Whether a held-out frame shows what a frame of an earlier split shows: the same moment, or a copy of it.

Pictures of a fixed camera that shows nothing in particular are near-equal at any time, so nearness alone proves
nothing. A pair of frames in different splits is a leak

- when both are of one camera and taken within its gap of each other;
- when they are of two cameras, taken within the gap of each other, and their pictures are near; or
- when they are of two clips, their pictures are near, and the camera shows nothing like it at other moments. This is
  the ratio test by which matches of image features are told from chance (Lowe, "Distinctive image features from
  scale-invariant keypoints", IJCV 2004): a copied moment is far nearer to its copy than to anything else, an empty
  scene is near to many.

Near is told by a perceptual hash and by the embedding, each by itself, of two cameras by the hash alone; "like it" is
twice as far. What one clip shows at two times is no copy, however alike it looks: the clip's own clock tells the
moments apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.looks import Indices, Looks, NearPairs, pairs_by_embedding, pairs_by_hash
from workbench.datasets.manifest import ManifestRow
from workbench.datasets.splits import LEAST_GAP_S
from workbench.domain import Split

__all__ = ["GOLDEN", "RANKS", "LeakKind", "LeakPair", "LeakRules", "Nearness", "find_leaks", "nearness"]

RANKS: Mapping[Split, int] = {Split.TRAIN: 0, Split.VALIDATION: 1, Split.TEST: 2}
"""A frame leaks into a split of higher rank."""
GOLDEN = 3

_LIKE = 2
"""How many times as far as near pictures those are that still show the like."""
_OTHER_MOMENTS = 3
"""At so many other moments a camera shows a view that is no particular one."""
_PROBES = 128
_SEARCHED_AT_ONCE = 1024
_PAIRS_AT_ONCE = 1_000_000
_MOST_ASKED = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class LeakKind(StrEnum):
    NEIGHBOURS = "neighbours in time"
    SAME_MOMENT = "two cameras, one moment"
    HASH = "near-copy by hash"
    EMBEDDING = "near-copy by embedding"


@dataclass(frozen=True)
class LeakRules:
    """Pictures within ``same_bits`` of hash, or ``same_distance`` (cosine) of embedding, are near.

    Moments are at least ``moment_s``, or the camera's gap where that is more, from each other.
    """

    same_bits: int
    same_distance: float
    moment_s: float = 10.0


class LeakPair(NamedTuple):
    """The places of a held-out frame and of one of an earlier split that it resembles."""

    held_out: int
    other: int
    kind: LeakKind


@dataclass(frozen=True)
class Nearness:
    """How many of ``frames`` test frames have a training frame of their camera that is near, by either measure.

    Of a camera with thousands of test frames a thousand are asked about, evenly spread.
    """

    frames: int
    by_hash: int
    by_embedding: int


def find_leaks(
    rows: Sequence[ManifestRow],
    ranks: NDArray[np.int8],
    looks: Looks,
    gaps_s: Mapping[str, float],
    rules: LeakRules,
) -> list[LeakPair]:
    """Return the leaks among ``rows``, of which ``ranks`` and ``looks`` have one entry each, each pair once."""
    frames = _Frames.of(rows, ranks, gaps_s, rules)
    found: dict[tuple[int, int], LeakKind] = dict.fromkeys(_neighbours(frames), LeakKind.NEIGHBOURS)
    found = dict.fromkeys(_simultaneous(frames, looks, rules), LeakKind.SAME_MOMENT) | found
    for measure in (_ByHash(looks, rules), _ByEmbedding(looks, rules)):
        found = dict.fromkeys(_copies(frames, measure), measure.kind) | found
    return [LeakPair(*places, kind) for places, kind in sorted(found.items())]


def nearness(
    rows: Sequence[ManifestRow], ranks: NDArray[np.int8], looks: Looks, rules: LeakRules
) -> dict[str, Nearness]:
    """Return by camera how many of the test frames look like a training frame; no leak by itself."""
    cameras = np.array([row.camera for row in rows])
    measures = (_ByHash(looks, rules), _ByEmbedding(looks, rules))
    told = {}
    for camera in sorted(set(cameras.tolist())):
        test, train = (
            np.flatnonzero(looks.known & (cameras == camera) & (ranks == RANKS[split]))
            for split in (Split.TEST, Split.TRAIN)
        )
        if len(test):
            test = test[np.linspace(0, len(test) - 1, min(len(test), _MOST_ASKED)).round().astype(np.intp)]
            by_hash, by_embedding = (_count_near(measure, test, train) for measure in measures)
            told[camera] = Nearness(len(test), by_hash, by_embedding)
    return told


@dataclass(frozen=True, eq=False)
class _Frames:
    """Arrays ``[frames]``: cameras and clips as numbers, times, ranks, the camera's gap, how far other moments are."""

    cameras: NDArray[np.int64]
    clips: NDArray[np.int64]
    times_us: NDArray[np.int64]
    ranks: NDArray[np.int8]
    gaps_us: NDArray[np.int64]
    moments_us: NDArray[np.int64]

    @classmethod
    def of(
        cls, rows: Sequence[ManifestRow], ranks: NDArray[np.int8], gaps_s: Mapping[str, float], rules: LeakRules
    ) -> "_Frames":
        times_us = np.array([(row.taken_at - _EPOCH) // _MICROSECOND for row in rows], np.int64)
        gaps_us = np.array([round(1e6 * gaps_s.get(row.camera, LEAST_GAP_S)) for row in rows], np.int64)
        moments_us = np.maximum(gaps_us, round(1e6 * rules.moment_s))
        cameras, clips = _numbered([row.camera for row in rows]), _numbered([row.clip_id for row in rows])
        return cls(cameras, clips, times_us, ranks, gaps_us, moments_us)

    def apart_us(self, first: Indices, second: Indices) -> NDArray[np.int64]:
        apart: NDArray[np.int64] = np.abs(self.times_us[first] - self.times_us[second])
        return apart


class _ByHash:
    kind = LeakKind.HASH

    def __init__(self, looks: Looks, rules: LeakRules) -> None:
        self.near: float = rules.same_bits
        self.tells = looks.has_structure
        self._hashes = looks.hashes

    def pairs(self, first: Indices, second: Indices, most: float) -> NearPairs:
        return pairs_by_hash(self._hashes, first, second, most_bits=int(most))


class _ByEmbedding:
    kind = LeakKind.EMBEDDING

    def __init__(self, looks: Looks, rules: LeakRules) -> None:
        self.near: float = rules.same_distance
        self.tells = looks.known
        self._embeddings = looks.embeddings

    def pairs(self, first: Indices, second: Indices, most: float) -> NearPairs:
        return pairs_by_embedding(self._embeddings, first, second, most_distance=most)


_Measure = _ByHash | _ByEmbedding


def _neighbours(frames: _Frames) -> Iterator[tuple[int, int]]:
    """Yield the pairs of one camera that were taken within its gap of each other."""
    for camera in range(int(frames.cameras.max(initial=-1)) + 1):
        for first, second in _within_gap(frames, np.flatnonzero(frames.cameras == camera)):
            yield from zip(first.tolist(), second.tolist(), strict=True)


def _simultaneous(frames: _Frames, looks: Looks, rules: LeakRules) -> Iterator[tuple[int, int]]:
    """Yield the pairs of two cameras that were taken within the gap of each other and look the same."""
    for first, second in _within_gap(frames, np.flatnonzero(looks.has_structure)):
        bits = np.bitwise_count(looks.hashes[first] ^ looks.hashes[second]).sum(axis=1)
        near = (frames.cameras[first] != frames.cameras[second]) & (bits <= rules.same_bits)
        yield from zip(first[near].tolist(), second[near].tolist(), strict=True)


def _within_gap(frames: _Frames, places: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield the pairs of ``places`` within the gap, the one of higher rank first, many at once."""
    by_time = places[np.argsort(frames.times_us[places], kind="stable")]
    for rank in range(1, GOLDEN + 1):
        held = by_time[frames.ranks[by_time] == rank]
        lower = by_time[frames.ranks[by_time] < min(rank, GOLDEN - 1)]
        times_us, gaps_us, lower_us = frames.times_us[held], frames.gaps_us[held], frames.times_us[lower]
        begins = lower_us.searchsorted(times_us - gaps_us, side="left")
        sizes = lower_us.searchsorted(times_us + gaps_us, side="right") - begins
        bounds = np.flatnonzero(np.diff(sizes.cumsum() // _PAIRS_AT_ONCE)) + 1
        for some in np.split(np.arange(len(held)), bounds):
            of_held = np.repeat(some, sizes[some])
            passed = np.arange(len(of_held)) - np.repeat(sizes[some].cumsum() - sizes[some], sizes[some])
            yield held[of_held], lower[begins[of_held] + passed]


def _copies(frames: _Frames, measure: _Measure) -> Iterator[tuple[int, int]]:
    """Yield the pairs that look the same, of views that their camera shows at hardly any other moment."""
    for camera in range(int(frames.cameras.max(initial=-1)) + 1):
        of_camera = np.flatnonzero((frames.cameras == camera) & measure.tells)
        held = of_camera[frames.ranks[of_camera] > 0]
        particular = held[~_is_usual(frames, measure, held, of_camera)]
        elsewhere = np.flatnonzero((frames.cameras != camera) & measure.tells & (frames.ranks < GOLDEN - 1))
        at_once = max(1, _PAIRS_AT_ONCE // max(1, len(of_camera)))
        for start in range(0, len(particular), at_once):
            some = particular[start : start + at_once]
            pairs = measure.pairs(some, of_camera, _LIKE * measure.near)
            if measure.kind is LeakKind.HASH:
                pairs = _both(pairs, measure.pairs(some, elsewhere, measure.near))
            yield from _judged(frames, pairs, measure.near)


def _is_usual(frames: _Frames, measure: _Measure, held: Indices, of_camera: Indices) -> NDArray[np.bool_]:
    """Return which of ``held`` resemble so many moments of a sample that no nearer look is needed."""
    ordered = of_camera[np.argsort(frames.times_us[of_camera], kind="stable")]
    probes = ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), _PROBES)).round().astype(np.intp)]
    pairs = measure.pairs(held, probes, _LIKE * measure.near)
    # Around the frame and around its copy, a view may fill three cells each.
    return _moments(frames, pairs, np.ones(len(pairs.first), np.bool_))[held] >= _OTHER_MOMENTS + 6


def _moments(frames: _Frames, pairs: NearPairs, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return ``[frames]``: at how many moments, by the clock, the chosen pairs of a frame have their second frame."""
    first, second = pairs.first[chosen], pairs.second[chosen]
    cells = frames.times_us[second] // frames.moments_us[second]
    earliest, beyond = cells.min(initial=0), cells.max(initial=0) + 1
    distinct = np.unique(first * (beyond - earliest) + cells - earliest)
    return np.bincount(distinct // (beyond - earliest), minlength=len(frames.times_us))


def _judged(frames: _Frames, pairs: NearPairs, near: float) -> Iterator[tuple[int, int]]:
    first, second = pairs.first, pairs.second
    is_copy = (pairs.distance <= near) & (frames.clips[first] != frames.clips[second])
    is_copy &= frames.ranks[second] < np.minimum(frames.ranks[first], GOLDEN - 1)
    if not is_copy.any():
        return
    nearest = np.full(len(frames.times_us), -1, np.intp)
    ordered = np.flatnonzero(is_copy)[np.argsort(pairs.distance[is_copy], kind="stable")][::-1]
    nearest[first[ordered]] = second[ordered]
    moment_us = frames.moments_us[first]
    elsewhen = (frames.apart_us(first, second) > moment_us) & (frames.apart_us(nearest[first], second) > moment_us)
    elsewhen &= frames.cameras[first] == frames.cameras[second]
    leaks = is_copy & (_moments(frames, pairs, elsewhen)[first] < _OTHER_MOMENTS)
    yield from zip(first[leaks].tolist(), second[leaks].tolist(), strict=True)


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _both(one: NearPairs, other: NearPairs) -> NearPairs:
    parts = zip((one.first, one.second, one.distance), (other.first, other.second, other.distance), strict=True)
    first, second, distance = (np.concatenate(part) for part in parts)
    return NearPairs(first, second, distance)


def _count_near(measure: _Measure, test: Indices, train: Indices) -> int:
    """Return how many of ``test`` have one of ``train`` near; those found leave the search."""
    open_still, train = test[measure.tells[test]], train[measure.tells[train]]
    asked = len(open_still)
    for start in range(0, len(train), _SEARCHED_AT_ONCE):
        pairs = measure.pairs(open_still, train[start : start + _SEARCHED_AT_ONCE], measure.near)
        open_still = np.setdiff1d(open_still, pairs.first)
    return asked - len(open_still)
