"""What is a leak and what is a fixed camera that shows nothing in particular, told from hashes and embeddings alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pytest

from workbench.datasets.leaks import GOLDEN, RANKS, LeakKind, LeakPair, LeakRules, find_leaks, nearness
from workbench.datasets.looks import Looks, pairs_by_embedding, pairs_by_hash
from workbench.datasets.manifest import ManifestRow
from workbench.domain import Split

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
RULES = LeakRules(same_bits=10, same_distance=0.005)
WIDTH = 32
TRAIN, VALIDATION, TEST = Split


def bits_of(seed: int, flipped: int = 0, noise: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Return the hash of picture ``seed``; each ``noise`` flips other bits of it."""
    bits = np.random.default_rng(seed).permutation(np.arange(256) % 2).astype(np.uint8)
    bits[np.random.default_rng((seed, noise)).permutation(256)[:flipped]] ^= 1
    return np.packbits(bits).view(np.uint64)


def vector_of(seed: int, apart: float = 0.0, noise: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return the embedding of picture ``seed``, moved by a cosine distance of about ``apart``."""
    base = np.random.default_rng(seed).normal(size=WIDTH)
    away = np.random.default_rng((seed, noise + 1)).normal(size=WIDTH)
    base, away = base / np.linalg.norm(base), away - away @ base / (base @ base) * base
    moved = base + away / np.linalg.norm(away) * np.sqrt(2 * apart)
    return (moved / np.linalg.norm(moved)).astype(np.float32)


@dataclass
class Footage:
    """Frames as they are added, with how they look."""

    rows: list[ManifestRow] = field(default_factory=list)
    hashes: list[object] = field(default_factory=list)
    vectors: list[object] = field(default_factory=list)

    def add(
        self,
        camera: str,
        clip: str,
        at_s: float,
        split: Split,
        *,
        shows: int,
        flipped: int = 0,
        apart: float | None = None,
        hashed: int | None = None,
    ) -> int:
        place = len(self.rows)
        taken_at = START + timedelta(seconds=at_s)
        self.rows.append(ManifestRow(f"{place:064x}", camera, clip, clip, at_s, taken_at, "clear", "", split, ()))
        self.hashes.append(bits_of(shows if hashed is None else hashed, flipped, noise=place))
        self.vectors.append(vector_of(1000 * place if apart is None else shows, apart or 0.0, noise=place))
        return place

    @property
    def ranks(self) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
        return np.array([RANKS[row.split] for row in self.rows], np.int8)

    @property
    def looks(self) -> Looks:
        return Looks(np.stack(self.hashes), np.stack(self.vectors), np.ones(len(self.rows), np.bool_))

    def leaks(self, gap_s: float = 2.0) -> list[LeakPair]:
        gaps_s = {row.camera: gap_s for row in self.rows}
        return find_leaks(self.rows, self.ranks, self.looks, gaps_s, RULES)


IDLE = 7


def a_day(footage: Footage, camera: str, clip: str, begins_s: float, split: Split, things: Sequence[int]) -> list[int]:
    """Add a clip in which things pass one after the other, and the camera's usual view before and after each."""
    places = []
    for number, shown in enumerate([IDLE, *(one for thing in things for one in (thing, IDLE))]):
        at_s = begins_s + 20.0 * number
        places.append(footage.add(camera, clip, at_s, split, shows=shown, flipped=4))
    return places


def test_a_camera_that_mostly_shows_nothing_leaks_nothing_and_that_is_told_as_a_figure() -> None:
    footage = Footage()
    a_day(footage, "gate", "monday", 0, TRAIN, [11, 12, 13])
    a_day(footage, "gate", "tuesday", 86_400, TEST, [21, 22, 23])

    assert footage.leaks() == []
    (near,) = nearness(footage.rows, footage.ranks, footage.looks, RULES).values()
    assert (near.frames, near.by_hash, near.by_embedding) == (7, 4, 0)


@pytest.mark.parametrize("earlier", [TRAIN, VALIDATION])
def test_footage_that_came_twice_leaks_where_something_happens(earlier: Split) -> None:
    footage = Footage()
    first = a_day(footage, "gate", "monday", 0, earlier, [11, 12, 13])
    copy = a_day(footage, "gate", "monday-again", 500_000, TEST, [11, 12, 13])

    leaks = footage.leaks()

    assert leaks == [LeakPair(copy[place], first[place], LeakKind.HASH) for place in (1, 3, 5)]


def test_footage_that_came_three_times_leaks_into_every_later_split() -> None:
    footage = Footage()
    days = [a_day(footage, "gate", f"copy-{split}", 90_000.0 * n, split, [11, 12]) for n, split in enumerate(Split)]

    pairs = {(pair.held_out, pair.other) for pair in footage.leaks()}

    thing = [day[1] for day in days]
    assert {(thing[1], thing[0]), (thing[2], thing[0]), (thing[2], thing[1])} <= pairs


def test_what_one_clip_shows_at_two_times_is_no_copy() -> None:
    footage = Footage()
    footage.add("gate", "long", 0, TRAIN, shows=11)
    footage.add("gate", "long", 600, TEST, shows=11)

    assert footage.leaks() == []


def test_neighbours_in_time_leak_whatever_they_show() -> None:
    footage = Footage()
    train = footage.add("gate", "long", 0, TRAIN, shows=11)
    test = footage.add("gate", "long", 1.5, TEST, shows=12)
    footage.add("gate", "long", 4.5, VALIDATION, shows=13)
    footage.add("roof", "other", 1.5, TRAIN, shows=14)

    assert footage.leaks() == [LeakPair(test, train, LeakKind.NEIGHBOURS)]


def test_two_cameras_that_show_the_same_at_one_moment_leak_even_the_usual_view() -> None:
    footage = Footage()
    for minute in range(30):
        footage.add("gate", "gate", 60.0 * minute, TRAIN, shows=IDLE, flipped=3)
        footage.add("gate-low", "gate-low", 60.0 * minute + 30, TRAIN, shows=IDLE, flipped=3)
    test = footage.add("gate-low", "low-2", 600.5, TEST, shows=IDLE, flipped=3)

    assert [(pair.held_out, pair.kind) for pair in footage.leaks()] == [(test, LeakKind.SAME_MOMENT)]


def test_a_copy_under_another_camera_leaks() -> None:
    footage = Footage()
    a_day(footage, "gate", "monday", 0, TRAIN, [11, 12])
    copy = a_day(footage, "entrance", "monday-entrance", 200_000, TEST, [11, 12])

    assert {pair.held_out for pair in footage.leaks()} >= {copy[1], copy[3]}


def test_a_cropped_copy_is_found_by_its_embedding() -> None:
    footage = Footage()
    train = footage.add("gate", "monday", 0, TRAIN, shows=11, apart=0.0005)
    test = footage.add("gate", "crop", 90_000, TEST, shows=11, apart=0.0005, hashed=99)

    assert footage.leaks() == [LeakPair(test, train, LeakKind.EMBEDDING)]


def test_bare_pictures_prove_nothing_by_their_hash() -> None:
    footage = Footage()
    footage.add("gate", "night", 0, TRAIN, shows=11)
    footage.add("roof", "night-2", 90_000, TEST, shows=12)
    footage.hashes = [np.array([1 << 63, 0, 0, 0], np.uint64)] * 2

    assert footage.leaks() == []


def test_golden_frames_are_held_against_train_and_validation_alone() -> None:
    footage = Footage()
    places = [footage.add("gate", f"copy-{split}", 90_000.0 * n, split, shows=11) for n, split in enumerate(Split)]
    golden = footage.add("gate", "golden", 900_000, TEST, shows=11)
    ranks = footage.ranks
    ranks[golden] = GOLDEN

    found = find_leaks(footage.rows, ranks, footage.looks, {"gate": 2.0}, RULES)

    assert {pair.other for pair in found if pair.held_out == golden} == set(places[:2])


def test_frames_without_pictures_are_told_by_time_alone() -> None:
    footage = Footage()
    train = footage.add("gate", "a", 0, TRAIN, shows=11)
    test = footage.add("gate", "b", 1.0, TEST, shows=11)
    footage.add("gate", "c", 90_000, TEST, shows=11)
    looks = Looks(footage.looks.hashes, footage.looks.embeddings, np.zeros(3, np.bool_))

    found = find_leaks(footage.rows, footage.ranks, looks, {"gate": 2.0}, RULES)

    assert found == [LeakPair(test, train, LeakKind.NEIGHBOURS)]


@pytest.mark.parametrize(("gap_s", "kind"), [(2.0, LeakKind.HASH), (5000.0, LeakKind.NEIGHBOURS)])
def test_what_is_found_does_not_depend_on_how_much_is_compared_at_once(
    gap_s: float, kind: LeakKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    footage = random_footage(0)
    at_once = footage.leaks(gap_s)

    monkeypatch.setattr("workbench.datasets.leaks._PAIRS_AT_ONCE", 7)

    assert footage.leaks(gap_s) == at_once
    assert kind in {pair.kind for pair in at_once}


@pytest.mark.parametrize("seed", range(6))
def test_the_quick_search_finds_what_the_definition_says(seed: int) -> None:
    """Held against every pair there is, in footage of usual views, things, copies and triple copies."""
    footage, draw = random_footage(seed), RULES.moment_s

    found = {(pair.held_out, pair.other) for pair in footage.leaks() if pair.kind is LeakKind.HASH}

    hashes, times = footage.looks.hashes, [row.taken_at.timestamp() for row in footage.rows]
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    expected = set()
    for one, row in enumerate(footage.rows):
        others = range(len(footage.rows))
        twins = [x for x in others if bits[one, x] <= 10 and RANKS[footage.rows[x].split] < RANKS[row.split]
                 and footage.rows[x].clip_id != row.clip_id]  # fmt: skip
        if not twins:
            continue
        nearest = min(twins, key=lambda x: bits[one, x])
        elsewhen = {
            times[x] * 1e6 // (draw * 1e6)
            for x in others
            if bits[one, x] <= 20
            and footage.rows[x].camera == row.camera
            and min(abs(times[x] - times[one]), abs(times[x] - times[nearest])) > draw
        }
        if len(elsewhen) < 3:
            expected |= {(one, x) for x in twins}
    assert found == expected
    assert expected or seed not in (0, 1)


def random_footage(seed: int) -> Footage:
    draw, footage = np.random.default_rng(seed), Footage()
    clips = int(draw.integers(4, 30))
    for clip, camera in product(range(clips), ("gate", "roof")):
        split = [TRAIN, TRAIN, VALIDATION, TEST][clip % 4]
        for number in range(int(draw.integers(2, 12))):
            usual = draw.random() < 0.6
            thing = int(draw.integers(100, 130)) if draw.random() < 0.3 else 1000 + len(footage.rows)
            shows = (IDLE if camera == "gate" else IDLE + 1) if usual else thing
            at_s = 4_000.0 * clip + 13.0 * number + (0.0 if camera == "gate" else 1_500.0)
            footage.add(camera, f"{camera}-{clip}", at_s, split, shows=shows, flipped=int(draw.integers(0, 5)))
    return footage


@pytest.mark.parametrize("share_of_twins", [0.0, 0.01, 0.9])
def test_near_pairs_are_all_found(share_of_twins: float) -> None:
    draw = np.random.default_rng(0)
    first, second = np.arange(0, 60), np.arange(60, 400)
    hashes = np.stack([bits_of(3 if draw.random() < share_of_twins else place, 4, place) for place in range(400)])
    vectors = np.stack(
        [vector_of(3 if draw.random() < share_of_twins else place, 0.002, place) for place in range(400)]
    )

    by_hash = pairs_by_hash(hashes, first, second, most_bits=10)
    by_embedding = pairs_by_embedding(vectors, first, second, most_distance=0.005)

    bits = np.bitwise_count(hashes[first][:, None] ^ hashes[second][None]).sum(axis=2)
    distances = 1 - vectors[first] @ vectors[second].T
    assert {*zip(by_hash.first, by_hash.second - 60, strict=True)} == {*zip(*np.nonzero(bits <= 10), strict=True)}
    assert {*zip(by_embedding.first, by_embedding.second - 60, strict=True)} == {
        *zip(*np.nonzero(distances <= 0.005), strict=True)
    }
    assert (by_hash.distance == bits[by_hash.first, by_hash.second - 60]).all()
