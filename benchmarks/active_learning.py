"""How many labels the queue saves beside random picking: a simulation on the demo site.

    python benchmarks/active_learning.py
    python benchmarks/active_learning.py --first 200 --weights uncertainty=1,diversity=0   # to choose weights with

The stills are labelled moments of the demo site's three cameras. Each seed has recordings of its own, ``--clips`` of
each camera, split as the dataset builder splits them: the pool is the training part, the score the accuracy on the test
part. The learner is a logistic regression on the embedded base's own embeddings of the pictures, less what each camera
always shows: what a tuned adapter would do in minutes it does in a blink, so that it can be fitted anew after every few
labels. The queue's choices are made by the workbench's own code (``workbench/labeling/queue.py``), the first ones by
looks alone as nothing is known, the others from the learner's class probabilities too. Within a seed both are tried
``--tries`` times, each time with another nine tenths of the pool.

The target: labels to 90 % of the score that all labels give, at most half as many as by random picking.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from workbench.datasets import FrameToSplit, split_frames
from workbench.domain import USUAL_WEIGHTS, Signal, Split, text_to_weights
from workbench.labeling.queue import choose
from workbench.labeling.signals import Floats, combined, novelty, ranks, uncertainty
from workbench.scenes.demo_script import CLASS_NAMES
from workbench.scenes.demo_site import DemoStill, demo_stills
from workbench.settings import embedded_path

TARGET_SHARE, TARGET_RATIO = 0.9, 0.5
STEPS_SHOWN = (10, 20, 40, 80, 160)
SHARE_TRIED = 0.9
STILLS_AT_ONCE = 32
REGULARISATION = 10.0
"""The learner's C, chosen on other recordings (``--first 200``) by the score of all labels."""


@dataclass(frozen=True, eq=False)
class Stills:
    """Labelled stills: ``views`` are ``[stills, width]`` of unit length; ``pool`` and ``held_out`` are rows."""

    views: Floats
    cameras: tuple[str, ...]
    class_names: tuple[str, ...]
    pool: tuple[int, ...]
    held_out: tuple[int, ...]


@dataclass(frozen=True)
class Rules:
    start: int
    batch: int
    most: int
    weights: Mapping[Signal, float]


@dataclass(frozen=True)
class Outcome:
    """``labels`` to the target by try, and the mean score after so many labels."""

    labels: list[int]
    scores: dict[int, float]


Pick = Callable[[Stills, Sequence[int], Sequence[int], int, Rules, np.random.Generator], list[int]]
"""From stills, labelled and unlabelled rows, how many: the rows to label next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20, help="recordings of each of the three cameras")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first recording: another number, another day"
    )
    parser.add_argument("--seeds", type=int, default=5, help="sets of recordings")
    parser.add_argument("--tries", type=int, default=5, help="parts of each seed's pool that are tried")
    parser.add_argument("--start", type=int, default=5, help="labels before the learner is fitted for the first time")
    parser.add_argument("--batch", type=int, default=5, help="labels between two fits of the learner")
    parser.add_argument("--most", type=int, default=160, help="labels after which a curve ends")
    parser.add_argument("--weights", default="", help="such as uncertainty=1,diversity=0.5 (the default)")
    parser.add_argument("--keep", type=Path, help="folder in which embeddings are kept for the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    weights = text_to_weights(given.weights) if given.weights else USUAL_WEIGHTS
    rules = Rules(given.start, given.batch, given.most, weights)
    results = []
    for seed in range(given.seeds):
        first = given.first + seed * given.clips
        results.append(result(seen_stills(range(first, first + given.clips), given.keep), rules, range(given.tries)))
    print(json.dumps([asdict(one) for one in results], indent=2) if given.json else report(results))


@dataclass(frozen=True)
class Result:
    """What came out on one seed's recordings; ``full`` is the score that all labels of the pool give."""

    pool: int
    held_out: int
    full: float
    random: Outcome
    queue: Outcome


def result(stills: Stills, rules: Rules, tries: range) -> Result:
    full = score(fitted(stills, stills.pool), stills)
    by_chance, chosen = (outcome(stills, pick, rules, tries, TARGET_SHARE * full) for pick in (at_random, by_queue))
    return Result(len(stills.pool), len(stills.held_out), full, by_chance, chosen)


def seen_stills(numbers: range, keep: Path | None) -> Stills:
    """Render the recordings of these numbers and let the embedded base look at them."""
    seen = list(demo_stills(numbers))
    kept = keep / f"stills-{numbers.start}-{numbers.stop}.npy" if keep else None
    if kept and kept.exists():
        return stills_of(seen, np.load(kept))
    embeddings = np.concatenate(list(_looked_at([one.picture for one in seen])))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, embeddings)
    return stills_of(seen, embeddings)


def stills_of(seen: Sequence[DemoStill], embeddings: Floats) -> Stills:
    """Divide stills as the dataset builder does, and take out of their embeddings what each camera always shows."""
    frames = [
        FrameToSplit(f"{row:06d}", one.camera, one.clip_name, one.taken_at, one.class_name)
        for row, one in enumerate(seen)
    ]
    splits = split_frames(frames).splits
    rows = {split: tuple(sorted(int(id_) for id_, of in splits.items() if of is split)) for split in Split}
    cameras, class_names = tuple(one.camera for one in seen), tuple(one.class_name for one in seen)
    return Stills(
        _views(embeddings, cameras, rows[Split.TRAIN]), cameras, class_names, rows[Split.TRAIN], rows[Split.TEST]
    )


def _views(embeddings: Floats, cameras: Sequence[str], pool: Sequence[int]) -> Floats:
    """Return unit rows without the mean of their camera's pool: nothing is learnt of what is held out."""
    views, names, is_pool = embeddings.copy(), np.array(cameras), np.isin(np.arange(len(embeddings)), pool)
    for camera in set(cameras):
        views[names == camera] -= views[(names == camera) & is_pool].mean(axis=0)
    unit: Floats = views / np.linalg.norm(views, axis=1, keepdims=True)
    return unit


def _looked_at(pictures: Sequence[object]) -> Iterator[Floats]:
    from workbench.models.vlm import load_vlm  # takes seconds to load

    vlm = load_vlm(embedded_path("base-vlm"))
    for start in range(0, len(pictures), STILLS_AT_ONCE):
        print(f"{start} of {len(pictures)} stills looked at", file=sys.stderr, flush=True)
        yield vlm.look(pictures[start : start + STILLS_AT_ONCE], CLASS_NAMES)[1].astype(np.float64)


def outcome(stills: Stills, pick: Pick, rules: Rules, tries: range, target: float) -> Outcome:
    curves = [curve(stills, pick, rules, one) for one in tries]
    labels = [next((count for count, reached in one.items() if reached >= target), rules.most) for one in curves]
    shown = [count for count in curves[0] if count in STEPS_SHOWN]
    return Outcome(labels, {count: statistics.fmean(one[count] for one in curves) for count in shown})


def curve(stills: Stills, pick: Pick, rules: Rules, seed: int) -> dict[int, float]:
    """Return the score after each number of labels; with labels of one class alone, all are of that class."""
    random = np.random.default_rng(seed)
    pool = [int(row) for row in random.permutation(stills.pool)[: int(SHARE_TRIED * len(stills.pool))]]
    labelled: list[int] = []
    scores: dict[int, float] = {}
    while len(labelled) < min(rules.most, len(pool)):
        rest = sorted(set(pool) - set(labelled))
        size = rules.batch if labelled else rules.start
        labelled += pick(stills, labelled, rest, min(size, len(rest)), rules, random)
        scores[len(labelled)] = score(fitted(stills, labelled), stills)
    return scores


def at_random(
    stills: Stills, labelled: Sequence[int], rest: Sequence[int], size: int, rules: Rules, random: np.random.Generator
) -> list[int]:
    return [int(row) for row in random.permutation(rest)[:size]]


def by_queue(
    stills: Stills, labelled: Sequence[int], rest: Sequence[int], size: int, rules: Rules, random: np.random.Generator
) -> list[int]:
    views, asked = stills.views[list(rest)], stills.views[list(labelled)]
    signals = {Signal.DIVERSITY: ranks(novelty(views, asked))}
    if len({stills.class_names[row] for row in labelled}) > 1:
        signals[Signal.UNCERTAINTY] = uncertainty(fitted(stills, labelled).predict_proba(views))
    scores = combined(signals, rules.weights)
    chosen = choose(scores, views, size=size, cameras=[stills.cameras[row] for row in rest], known=asked)
    return [rest[place] for place in chosen]


def fitted(stills: Stills, rows: Sequence[int]) -> LogisticRegression | DummyClassifier:
    names = [stills.class_names[row] for row in rows]
    learner = LogisticRegression(C=REGULARISATION, max_iter=500) if len(set(names)) > 1 else DummyClassifier()
    return learner.fit(stills.views[list(rows)], names)


def score(learner: LogisticRegression | DummyClassifier, stills: Stills) -> float:
    held_out = list(stills.held_out)
    return float(learner.score(stills.views[held_out], [stills.class_names[row] for row in held_out]))


def report(results: Sequence[Result]) -> str:
    head = ["seed", "pool", "held out", "score of all labels", "labels by random picking", "by the queue", "ratio"]
    rows = [head, ["---:"] * len(head)]
    for seed, one in enumerate(results):
        shown = [seed, one.pool, one.held_out, f"{one.full:.3f}", *compared(one.random.labels, one.queue.labels)]
        rows.append([str(value) for value in shown])
    by_chance, chosen = (together([one.random for one in results]), together([one.queue for one in results]))
    rows.append(["all", "", "", "", *compared(by_chance.labels, chosen.labels)])
    steps = [
        f"After {step} labels the score is {reached:.3f} by random picking, {chosen.scores[step]:.3f} by the queue."
        for step, reached in by_chance.scores.items()
    ]
    kept = "yes" if sum(chosen.labels) <= TARGET_RATIO * sum(by_chance.labels) else "no"
    table = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*table, "", *steps, "", f"At most {TARGET_RATIO} times the labels: {kept}."])


def together(outcomes: Sequence[Outcome]) -> Outcome:
    scores = {step: statistics.fmean(one.scores[step] for one in outcomes) for step in outcomes[0].scores}
    return Outcome([count for one in outcomes for count in one.labels], scores)


def compared(by_chance: Sequence[int], chosen: Sequence[int]) -> list[str]:
    return [f"{statistics.fmean(labels):.0f}" for labels in (by_chance, chosen)] + [
        f"{sum(chosen) / sum(by_chance):.2f}"
    ]


if __name__ == "__main__":
    main()
