"""How many labels the queue saves beside random picking: a simulation on the demo site.

    python benchmarks/active_learning.py
    python benchmarks/active_learning.py --first 200 --weights uncertainty=1,diversity=0   # to choose weights with
    python benchmarks/active_learning.py --clear 0.5                                       # a busier site

Each seed has recordings of its own, ``--clips`` of each of the demo site's three cameras, split as the dataset builder
splits them. The pool is what footage gives: a still every ten seconds of the training part's recordings on quiet days,
six in seven of them of a bay where nothing happens. Where one could argue about the truth the labeller skips: that
costs a label and teaches nothing. The score is the accuracy on the test part's labelled moments, of which each class
has about as many: on stills as they come, a learner that always says *clear* would be right six times in seven. The
rarer what matters is, the more a choice saves: ``--clear 0.5`` leaves out stills in which nothing happens until they
are half of the pool.

The learner is a logistic regression on the embedded base's own embeddings of the pictures, less what each camera
always shows, with a weight on rare classes as the recipes have it (``class_balance: 0.5``): what a tuned adapter would
do in minutes it does in a blink, so that it can be fitted anew after every few labels. The queue's choices are made by
the workbench's own code (``workbench/labeling/queue.py``), the first ones by looks alone as nothing is known, the
others from the learner's class probabilities too. Within a seed both are tried ``--tries`` times, each time with
another nine tenths of the pool.

The target: labels to 90 % of the score that all labels give, at most half as many as by random picking.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from workbench.datasets import FrameToSplit, split_frames
from workbench.domain import USUAL_WEIGHTS, Signal, Split, text_to_weights
from workbench.labeling.queue import choose
from workbench.labeling.signals import Floats, combined, novelty, ranks, uncertainty, without_usual_view
from workbench.scenes.demo_script import CLASS_NAMES, CLEAR
from workbench.scenes.demo_site import DemoStill, demo_stills, quiet_stills
from workbench.settings import embedded_path

TARGET_SHARE, TARGET_RATIO = 0.9, 0.5
STEPS_SHOWN = (10, 20, 40, 80, 160)
SHARE_TRIED = 0.9
STILLS_AT_ONCE = 32
EVERY_S = 10
CLASS_BALANCE = 0.5
REGULARISATION = 10.0
"""The learner's C, chosen on other recordings (``--first 200``) by the score of all labels."""


@dataclass(frozen=True, eq=False)
class Stills:
    """The pool's stills, then the held-out ones; a class name is empty where a labeller would skip.

    ``features`` ``[stills, width]`` are what the learner is given, ``views`` ``[pool, width]``, of unit length, what
    the queue compares. ``pool`` and ``held_out`` are rows.
    """

    features: Floats
    views: Floats
    cameras: tuple[str, ...]
    class_names: tuple[str, ...]
    pool: tuple[int, ...]
    held_out: tuple[int, ...]


@dataclass(frozen=True)
class Rules:
    start: int
    batch: int
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
    parser.add_argument("--clear", type=float, default=1.0, help="share of the pool that may show nothing at most")
    parser.add_argument("--weights", default="", help="such as uncertainty=1,diversity=0.5 (the default)")
    parser.add_argument("--keep", type=Path, help="folder in which embeddings are kept for the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    weights = text_to_weights(given.weights) if given.weights else USUAL_WEIGHTS
    rules = Rules(given.start, given.batch, weights)
    results = []
    for seed in range(given.seeds):
        first = given.first + seed * given.clips
        stills = seen_stills(range(first, first + given.clips), given.clear, given.keep)
        results.append(result(stills, rules, range(given.tries)))
    print(json.dumps([asdict(one) for one in results], indent=2) if given.json else report(results))


@dataclass(frozen=True)
class Result:
    """What came out on one seed's recordings; ``full`` is the score that all labels of the pool give."""

    pool: int
    clear: int
    held_out: int
    full: float
    random: Outcome
    queue: Outcome


def result(stills: Stills, rules: Rules, tries: range) -> Result:
    full = score(fitted(stills, stills.pool), stills)
    by_chance, chosen = (outcome(stills, pick, rules, tries, TARGET_SHARE * full) for pick in (at_random, by_queue))
    clear = [row for row in stills.pool if stills.class_names[row] == CLEAR]
    return Result(len(stills.pool), len(clear), len(stills.held_out), full, by_chance, chosen)


def seen_stills(numbers: range, clear_share: float, keep: Path | None) -> Stills:
    """Render the recordings of these numbers and let the embedded base look at them."""
    pool, held_out = divided(list(demo_stills(numbers)), list(quiet_stills(numbers, every_s=EVERY_S)))
    kept = keep / f"stills-{numbers.start}-{numbers.stop}.npy" if keep else None
    if kept and kept.exists():
        embeddings = np.load(kept)
    else:
        embeddings = np.concatenate(list(_looked_at([one.picture for one in (*pool, *held_out)])))
    if kept and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, embeddings)
    left = thinned([one.class_name for one in pool], clear_share)
    rows = [*left, *range(len(pool), len(embeddings))]
    return stills_of([pool[row] for row in left], held_out, embeddings[rows])


def thinned(class_names: Sequence[str], clear_share: float) -> list[int]:
    """Return the rows that are left where stills of nothing, evenly chosen, are no more than this share of them."""
    clear = [row for row, name in enumerate(class_names) if name == CLEAR]
    others = len(class_names) - len(clear)
    most = len(clear) if clear_share >= 1 else min(len(clear), round(others * clear_share / (1 - clear_share)))
    left = {clear[place] for place in np.linspace(0, len(clear) - 1, most).round().astype(int)}
    return [row for row, name in enumerate(class_names) if name != CLEAR or row in left]


def divided(moments: Sequence[DemoStill], footage: Sequence[DemoStill]) -> tuple[list[DemoStill], list[DemoStill]]:
    """Return what is left of ``footage`` in the training part of ``moments`` and these in their test part."""
    frames = [
        FrameToSplit(f"{row:06d}", one.camera, one.clip_name, one.taken_at, one.class_name)
        for row, one in enumerate(moments)
    ]
    splits = split_frames(frames).splits
    of_clips = {moments[int(id_)].clip_name: split for id_, split in splits.items()}
    pool = [one for one in footage if of_clips.get(one.clip_name) is Split.TRAIN]
    return pool, [one for row, one in enumerate(moments) if splits.get(f"{row:06d}") is Split.TEST]


def stills_of(pool: Sequence[DemoStill], held_out: Sequence[DemoStill], embeddings: Floats) -> Stills:
    """Take out of the embeddings ``[pool + held_out]`` what each camera always shows; nothing is learnt of held-out."""
    seen = [*pool, *held_out]
    cameras, rows = tuple(one.camera for one in seen), tuple(range(len(seen)))
    of_pool = rows[: len(pool)]
    return Stills(
        _features(embeddings, cameras, of_pool),
        without_usual_view(embeddings[: len(pool)], cameras[: len(pool)]),
        cameras,
        tuple(one.class_name for one in seen),
        of_pool,
        rows[len(pool) :],
    )


def _features(embeddings: Floats, cameras: Sequence[str], pool: Sequence[int]) -> Floats:
    """Return rows without the mean of their camera's pool, scaled so that the pool's have a mean square of 1."""
    features, names = embeddings.astype(np.float64), np.array(cameras)
    is_pool = np.isin(np.arange(len(embeddings)), pool)
    for camera in set(cameras):
        of_camera = names == camera
        features[of_camera] -= features[of_camera & is_pool].mean(axis=0)
        features[of_camera] /= np.sqrt((features[of_camera & is_pool] ** 2).sum(axis=1).mean())
    return features


def _looked_at(pictures: Sequence[object]) -> Iterator[Floats]:
    from workbench.models.vlm import load_vlm  # takes seconds to load

    vlm = load_vlm(embedded_path("base-vlm"))
    for start in range(0, len(pictures), STILLS_AT_ONCE):
        print(f"{start} of {len(pictures)} stills looked at", file=sys.stderr, flush=True)
        yield vlm.look(pictures[start : start + STILLS_AT_ONCE], CLASS_NAMES)[1].astype(np.float64)


def outcome(stills: Stills, pick: Pick, rules: Rules, tries: range, target: float) -> Outcome:
    curves = [curve(stills, pick, rules, one, target) for one in tries]
    labels = [next((count for count, reached in one.items() if reached >= target), max(one)) for one in curves]
    shown = [count for count in STEPS_SHOWN if all(count in one for one in curves)]
    return Outcome(labels, {count: statistics.fmean(one[count] for one in curves) for count in shown})


def curve(stills: Stills, pick: Pick, rules: Rules, seed: int, target: float) -> dict[int, float]:
    """Return the score after each number of labels, as far as scores are shown and until ``target`` is reached.

    With labels of one class alone, all are of that class; without any nothing is right.
    """
    random = np.random.default_rng(seed)
    pool = [int(row) for row in random.permutation(stills.pool)[: int(SHARE_TRIED * len(stills.pool))]]
    labelled: list[int] = []
    scores: dict[int, float] = {}
    while len(labelled) < len(pool) and (len(labelled) < STEPS_SHOWN[-1] or max(scores.values()) < target):
        rest = sorted(set(pool) - set(labelled))
        size = rules.batch if labelled else rules.start
        labelled += pick(stills, labelled, rest, min(size, len(rest)), rules, random)
        scores[len(labelled)] = score(fitted(stills, labelled), stills) if answered(stills, labelled) else 0.0
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
    if len({stills.class_names[row] for row in answered(stills, labelled)}) > 1:
        signals[Signal.UNCERTAINTY] = uncertainty(fitted(stills, labelled).predict_proba(stills.features[list(rest)]))
    scores = combined(signals, rules.weights)
    chosen = choose(scores, views, size=size, cameras=[stills.cameras[row] for row in rest], known=asked)
    return [rest[place] for place in chosen]


def answered(stills: Stills, rows: Sequence[int]) -> list[int]:
    """Leave out those that a labeller skips."""
    return [row for row in rows if stills.class_names[row]]


def fitted(stills: Stills, rows: Sequence[int]) -> LogisticRegression | DummyClassifier:
    """Return a learner of these stills, of which one at least has an answer."""
    learnt = answered(stills, rows)
    names = [stills.class_names[row] for row in learnt]
    counts = Counter(names)
    learner = LogisticRegression(C=REGULARISATION, max_iter=500) if len(counts) > 1 else DummyClassifier()
    weights = np.array([counts[name] ** -CLASS_BALANCE for name in names])
    return learner.fit(stills.features[learnt], names, sample_weight=weights / weights.mean())


def score(learner: LogisticRegression | DummyClassifier, stills: Stills) -> float:
    held_out = list(stills.held_out)
    return float(learner.score(stills.features[held_out], [stills.class_names[row] for row in held_out]))


def report(results: Sequence[Result]) -> str:
    head = ["seed", "pool", "clear", "held out", "score of all labels", "by random picking", "by the queue", "ratio"]
    rows = [head, ["---:"] * len(head)]
    for seed, one in enumerate(results):
        sizes = [seed, one.pool, one.clear, one.held_out, f"{one.full:.3f}"]
        rows.append([*map(str, sizes), *compared(one.random.labels, one.queue.labels)])
    by_chance, chosen = (together([one.random for one in results]), together([one.queue for one in results]))
    rows.append(["all", "", "", "", "", *compared(by_chance.labels, chosen.labels)])
    steps = [
        f"After {step} labels the score is {reached:.3f} by random picking, {chosen.scores[step]:.3f} by the queue."
        for step, reached in by_chance.scores.items()
    ]
    kept = "yes" if sum(chosen.labels) <= TARGET_RATIO * sum(by_chance.labels) else "no"
    table = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*table, "", *steps, "", f"At most {TARGET_RATIO} times the labels: {kept}."])


def together(outcomes: Sequence[Outcome]) -> Outcome:
    shown = [step for step in STEPS_SHOWN if all(step in one.scores for one in outcomes)]
    scores = {step: statistics.fmean(one.scores[step] for one in outcomes) for step in shown}
    return Outcome([count for one in outcomes for count in one.labels], scores)


def compared(by_chance: Sequence[int], chosen: Sequence[int]) -> list[str]:
    return [f"{statistics.fmean(labels):.0f}" for labels in (by_chance, chosen)] + [
        f"{sum(chosen) / sum(by_chance):.2f}"
    ]


if __name__ == "__main__":
    main()
