import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from workbench.datasets.splits import FRACTIONS, split_frames
from workbench.datasets.timelines import FrameToSplit, sampling_gap_s
from workbench.domain import Split

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def frame(
    camera: str, clip: str, time_s: float, class_name: str = "clear", pinned_to: Split | None = None
) -> FrameToSplit:
    frame_id = f"{camera}/{clip}/{time_s}"
    return FrameToSplit(frame_id, camera, clip, START + timedelta(seconds=time_s), class_name, pinned_to)


def one_clip(count: int, step_s: float = 1.0, **how: object) -> list[FrameToSplit]:
    return [frame("gate", "a", index * step_s, **how) for index in range(count)]  # type: ignore[arg-type]


def many_clips(clips: int, frames: int) -> list[FrameToSplit]:
    """Clips a minute apart, each of one of three classes."""
    return [
        frame("gate", f"c{clip}", clip * 60.0 + index, ("clear", "truck", "spill")[clip % 3])
        for clip in range(clips)
        for index in range(frames)
    ]


def random_layout(seed: int) -> list[FrameToSplit]:
    draw = random.Random(seed)
    frames = []
    for camera in range(draw.randint(1, 3)):
        time_s = 0.0
        for clip in range(draw.randint(1, 6)):
            time_s += draw.choice([0.0, 1.0, 5.0, 400.0])
            step_s = draw.choice([0.04, 0.5, 1.0, 1.04, 7.0])
            for _ in range(draw.randint(1, 25)):
                time_s += step_s * draw.choice([1, 1, 1, 3])
                pin = draw.choice(list(Split)) if draw.random() < 0.02 else None
                frames.append(
                    frame(f"cam{camera}", f"clip{clip}", round(time_s, 3), draw.choice(["clear", "truck"]), pin)
                )
    draw.shuffle(frames)
    return frames


@pytest.mark.parametrize("seed", range(12))
def test_no_two_frames_within_the_gap_are_in_different_splits(seed: int) -> None:
    frames = random_layout(seed)

    plan = split_frames(frames)

    kept = [one for one in frames if one.frame_id in plan.splits]
    for one, other in combinations(kept, 2):
        if one.camera == other.camera and plan.splits[one.frame_id] != plan.splits[other.frame_id]:
            apart_s = abs((one.taken_at - other.taken_at).total_seconds())
            both_pinned = one.pinned_to is not None and other.pinned_to is not None
            assert both_pinned or apart_s > plan.gaps_s[one.camera] >= 2.0
    assert {one.frame_id for one in frames} == set(plan.splits) | set(plan.dropped)
    assert not set(plan.splits) & set(plan.dropped)
    for one in frames:
        assert one.pinned_to in (None, plan.splits.get(one.frame_id))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_frames_in_any_order_are_split_the_same(seed: int) -> None:
    frames = random_layout(seed)

    assert split_frames(list(reversed(frames)), seed=3) == split_frames(frames, seed=3)


def test_one_long_clip_is_cut_in_time_and_test_is_the_later_part() -> None:
    plan = split_frames(one_clip(100))

    seconds = {split: [float(name.split("/")[2]) for name, of in plan.splits.items() if of == split] for split in Split}
    assert max(seconds[Split.TRAIN]) + 2 < min(seconds[Split.VALIDATION])
    assert max(seconds[Split.VALIDATION]) + 2 < min(seconds[Split.TEST])
    assert len(plan.dropped) == 4
    for split, fraction in FRACTIONS.items():
        assert len(seconds[split]) / len(plan.splits) == pytest.approx(fraction, abs=0.05)


def test_clips_stay_whole_where_there_are_enough_and_every_class_is_everywhere() -> None:
    frames = many_clips(24, 6)

    plan = split_frames(frames)

    assert plan.dropped == ()
    splits_of_clip = {name.split("/")[1]: set() for name in plan.splits}
    for name, split in plan.splits.items():
        splits_of_clip[name.split("/")[1]].add(split)
    assert all(len(splits) == 1 for splits in splits_of_clip.values())
    seen = Counter((plan.splits[one.frame_id], one.class_name) for one in frames)
    assert len(seen) == 9
    for split, fraction in FRACTIONS.items():
        assert sum(of == split for of in plan.splits.values()) / len(frames) == pytest.approx(fraction, abs=0.06)


def test_the_gap_is_twice_the_sampling_interval_where_that_is_more() -> None:
    assert sampling_gap_s(one_clip(20, 0.5), 2.0) == 2.0
    assert sampling_gap_s(one_clip(20, 5.0), 2.0) == 10.0
    assert sampling_gap_s([frame("gate", f"c{index}", 60.0 * index) for index in range(9)], 2.0) == 2.0


def test_clips_that_follow_each_other_without_a_pause_are_neighbours() -> None:
    frames = [frame("gate", f"c{index // 10}", float(index)) for index in range(60)]

    plan = split_frames(frames)

    assert plan.dropped != ()


def test_a_pinned_test_split_stays_as_it_is_and_its_neighbours_go() -> None:
    frames = [frame("gate", "a", float(index), pinned_to=Split.TEST if index >= 70 else None) for index in range(100)]

    plan = split_frames(frames)

    test = {name for name, split in plan.splits.items() if split == Split.TEST}
    assert test == {f"gate/a/{float(index)}" for index in range(70, 100)}
    assert {"gate/a/68.0", "gate/a/69.0"} <= set(plan.dropped)
    counts = Counter(plan.splits.values())
    assert counts[Split.TRAIN] > counts[Split.VALIDATION] > 0
    assert plan.problems == ()


def test_pinned_neighbours_in_different_splits_both_stay_and_are_told() -> None:
    frames = [
        *one_clip(30),
        frame("gate", "a", 30.0, pinned_to=Split.TRAIN),
        frame("gate", "a", 31.0, pinned_to=Split.TEST),
    ]

    plan = split_frames(frames)

    assert plan.splits["gate/a/30.0"] == Split.TRAIN
    assert plan.splits["gate/a/31.0"] == Split.TEST
    assert len(plan.problems) == 1
    assert plan.problems[0].startswith("2 pinned frames of camera gate")
