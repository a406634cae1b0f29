import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from workbench.errors import FootageError
from workbench.footage.diversity import far_apart, farthest_points
from workbench.footage.fingerprints import SAME_PICTURE_BITS, SeenPictures, picture_hash
from workbench.footage.pictures import encode_jpeg
from workbench.footage.quotas import Quota, diversely, evenly, hour_of, within_quota
from workbench.footage.selection import KnownStills, SelectionRules, sieve

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def view(*, person_at: int | None = None, noise: float = 3.0, seed: int = 0) -> bytes:
    """Return a JPEG of one fixed view, with noise of its own and perhaps a person in it.

    Its spectrum falls with the frequency, as those of natural scenes do (Field, JOSA A 1987).
    """
    frequencies = np.hypot(np.fft.fftfreq(270)[:, None], np.fft.fftfreq(480))
    spectrum = np.fft.fft2(np.random.default_rng(9).normal(size=(270, 480))) / np.maximum(frequencies, 1 / 480)
    scene = np.fft.ifft2(spectrum).real
    pixels = 110 + 40 * scene / scene.std() + np.random.default_rng(seed).normal(0, noise, scene.shape)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB")
    if person_at is not None:
        ImageDraw.Draw(image).rectangle((person_at, 120, person_at + 26, 200), fill=(230, 220, 30))
    return encode_jpeg(image).content


def minutes(*after_eight: float) -> list[datetime]:
    return [EIGHT + timedelta(minutes=minute) for minute in after_eight]


def mean_brightness(pictures: Iterator[bytes]) -> np.ndarray:  # type: ignore[type-arg]
    """Embed pictures as an angle that their brightness turns, so that distances are known."""
    angles = [np.asarray(Image.open(io.BytesIO(jpeg)).convert("L")).mean() / 100 for jpeg in pictures]
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)


def grey(level: int) -> bytes:
    """Return a picture whose hash is its own and whose brightness is ``level``."""
    noise = np.random.default_rng(level).integers(-60, 60, (8, 8)).repeat(20, axis=0).repeat(20, axis=1)
    return encode_jpeg(Image.fromarray((level + noise - noise.mean()).clip(0, 255).astype(np.uint8))).content


def test_noise_leaves_the_hash_near_and_a_person_does_not() -> None:
    empty = SeenPictures([picture_hash(view())])

    assert not any(empty.keep_if_new(picture_hash(view(seed=seed))) for seed in range(1, 12))
    assert all(empty.keep_if_new(picture_hash(view(person_at=left))) for left in (40, 200, 380))


def test_hashes_of_the_catalogue_count_and_more_than_fit_at_first_do() -> None:
    dice = np.random.default_rng(1)
    hashes = [dice.bytes(32).hex() for _ in range(300)]
    seen = SeenPictures(hashes[:100])

    assert all(seen.keep_if_new(text) for text in hashes[100:])
    assert len(seen) == 300
    assert not any(seen.keep_if_new(text) for text in hashes)


@pytest.mark.parametrize(("bits", "is_new"), [(SAME_PICTURE_BITS, False), (SAME_PICTURE_BITS + 1, True)])
def test_the_threshold_is_in_bits(bits: int, is_new: bool) -> None:
    far = (2**bits - 1) << 100

    assert SeenPictures(["0" * 64]).keep_if_new(f"{far:064x}") is is_new


@pytest.mark.parametrize("text", ["", "ff", "g" * 64])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(FootageError, match="64 hexadecimal digits"):
        SeenPictures([text])


def test_near_directions_are_dropped_in_order_whatever_their_length() -> None:
    angles = np.radians([0, 2, 20, 21, 40, 0.5])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * np.arange(1, 7)[:, None]
    least = 1 - np.cos(np.radians(5))

    assert far_apart(rows, least_distance=float(least)) == [0, 2, 4]
    assert far_apart(rows, least_distance=float(least), known=rows[3:4]) == [0, 4]


def test_far_apart_is_what_comparing_one_by_one_gives() -> None:
    rows = np.random.default_rng(2).normal(size=(900, 4)).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    kept: list[int] = []
    for index, row in enumerate(unit):
        if not kept or (unit[kept] @ row).max() <= 1 - 0.02:
            kept.append(index)

    assert far_apart(rows, least_distance=0.02) == kept
    assert 50 < len(kept) < 850


def test_embeddings_of_another_model_are_refused() -> None:
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(FootageError, match="3 numbers each"):
        far_apart(rows, least_distance=0.1, known=np.eye(2, dtype=np.float32))
    with pytest.raises(FootageError, match="finite"):
        far_apart(rows * np.nan, least_distance=0.1)


def test_the_subset_covers_at_most_twice_as_far_as_the_best_one() -> None:
    points = np.random.default_rng(6).normal(size=(14, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=2)

    def reach(chosen: tuple[int, ...]) -> float:
        return float(distances[:, list(chosen)].min(axis=1).max())

    chosen = farthest_points(points, 4)
    best = min(reach(subset) for subset in combinations(range(14), 4))

    assert len(set(chosen)) == 4
    assert chosen == sorted(chosen) == farthest_points(points, 4)
    assert best <= reach(tuple(chosen)) <= 2 * best


def test_the_subset_stays_away_from_what_is_known() -> None:
    points = np.array([[0.0], [1.0], [10.0], [11.0], [20.0]])

    assert farthest_points(points, 2) == [0, 4]
    assert farthest_points(points, 2, known=np.array([[0.0], [20.0]])) == [1, 2]
    assert farthest_points(points, 9) == [0, 1, 2, 3, 4]


def test_equal_points_are_still_so_many() -> None:
    assert len(set(farthest_points(np.ones((10, 3)), 4))) == 4


def test_the_hours_quota_counts_what_the_catalogue_holds() -> None:
    taken_at = minutes(0, 10, 20, 30, 40, 50, 60, 70)

    outcome = within_quota(
        taken_at, Quota(per_hour=3), choice=evenly(taken_at), known_by_hour={EIGHT + timedelta(hours=1): 2}
    )

    assert outcome.kept == (0, 2, 5, 6)
    assert (outcome.dropped_by_hour, outcome.dropped_by_camera) == (4, 0)


def test_an_hour_is_one_of_the_utc_clock() -> None:
    india = timezone(timedelta(hours=5, minutes=30))

    assert hour_of(datetime(2026, 3, 2, 14, 20, 30, tzinfo=india)) == EIGHT
    assert hour_of(EIGHT - timedelta(microseconds=1)) == EIGHT - timedelta(hours=1)


def test_the_cameras_quota_counts_all_hours() -> None:
    taken_at = minutes(0, 1, 30, 60, 61, 119)

    outcome = within_quota(
        taken_at, Quota(per_camera=9, per_hour=2), choice=evenly(taken_at), known_by_hour={EIGHT - timedelta(days=1): 6}
    )
    full = within_quota(taken_at, Quota(per_camera=4), choice=evenly(taken_at), known_by_hour={EIGHT: 4})

    assert outcome.kept == (0, 3, 5)
    assert (outcome.dropped_by_hour, outcome.dropped_by_camera) == (2, 1)
    assert full.kept == ()
    assert full.dropped_by_camera == 6


def test_a_quota_can_choose_what_differs_most() -> None:
    embeddings = np.array([[0.0], [9.0], [0.1]], np.float32)
    taken_at = minutes(0, 20, 40)

    by_view = within_quota(taken_at, Quota(per_hour=2), choice=diversely(embeddings), known_by_hour={})
    by_time = within_quota(taken_at, Quota(per_hour=2), choice=evenly(taken_at), known_by_hour={})

    assert (by_view.kept, by_time.kept) == ((0, 1), (0, 2))


def test_no_quota_drops_nothing() -> None:
    taken_at = minutes(0, 1, 2)

    assert within_quota(taken_at, Quota(), choice=evenly(taken_at), known_by_hour={}).kept == (0, 1, 2)


@pytest.mark.parametrize("bad", [{"per_hour": -1}, {"per_camera": -5}])
def test_a_negative_quota_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(FootageError, match="0 stills or more"):
        Quota(**bad)


def test_every_step_says_what_it_dropped() -> None:
    rules = SelectionRules(same_view_distance=0.001, quota=Quota(per_camera=9, per_hour=4), size=3)
    known = KnownStills(by_hour={EIGHT: 1, EIGHT - timedelta(hours=2): 1})
    levels = [60, 60, 61, 80, 100, 120, 140, 160, 180]

    with sieve(rules, known) as stills:
        numbers = [stills.offer(grey(level), time) for level, time in zip(levels, minutes(*range(9)), strict=True)]
        selection = stills.settle(mean_brightness)
        kept = [stills.jpeg(number) for number in selection.kept]

    assert numbers == [0, None, 1, 2, 3, 4, 5, 6, 7]
    assert [(step.name, step.kept, step.dropped) for step in selection.report.steps] == [
        ("perceptual hash", 8, 1),
        ("embedding", 7, 1),
        ("quota by hour", 3, 4),
        ("quota of the camera", 3, 0),
        ("diverse subset", 3, 0),
    ]
    assert (selection.report.found, selection.report.kept) == (9, 3)
    assert selection.report.found - selection.report.kept == sum(step.dropped for step in selection.report.steps)
    assert kept == [grey(60), grey(120), grey(180)]
    assert selection.embeddings is not None
    assert selection.embeddings.shape == (3, 2)
    assert (
        json.loads(json.dumps(asdict(selection.report)))["steps"][0]["reason"]
        == "within 10 of 256 bits of a still kept"
    )


def test_a_camera_is_compared_with_what_the_catalogue_holds_of_it() -> None:
    known = KnownStills(["one"], [picture_hash(view())], mean_brightness(iter([grey(100)])))

    with sieve(SelectionRules(), known) as stills:
        assert stills.offer(view(seed=1), EIGHT) is None
        assert stills.offer(grey(100), EIGHT) == 0
        assert stills.offer(grey(150), EIGHT) == 1
        selection = stills.settle(mean_brightness)
        assert stills.picture_hash(1) == picture_hash(grey(150))

    assert selection.kept == (1,)


def test_without_a_model_the_choice_is_even_over_the_time() -> None:
    with sieve(SelectionRules(same_picture_bits=None, size=3)) as stills:
        for time in minutes(0, 1, 2, 30, 31, 60):
            stills.offer(view(), time)
        selection = stills.settle()

    assert selection.kept == (0, 3, 5)
    assert selection.embeddings is None
    assert [step.name for step in selection.report.steps] == ["diverse subset"]


def test_nothing_found_is_nothing_kept() -> None:
    with sieve(SelectionRules(quota=Quota(per_hour=1), size=2)) as stills:
        selection = stills.settle(mean_brightness)

    assert selection.kept == ()
    assert selection.report.found == 0


def test_a_model_that_loses_pictures_is_told() -> None:
    with sieve(SelectionRules()) as stills:
        stills.offer(view(), EIGHT)
        with pytest.raises(FootageError, match="one embedding for each of 1 stills"):
            stills.settle(lambda pictures: np.zeros((0, 2), np.float32))


def test_the_temporary_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with sieve(SelectionRules()) as stills:
        stills.offer(view(), EIGHT)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [{"size": 0}, {"same_view_distance": -0.1}])
def test_rules_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(FootageError):
        SelectionRules(**bad)  # type: ignore[arg-type]
