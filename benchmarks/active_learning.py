"""How many labels the queue saves beside random picking: a simulation on the demo site.

    python benchmarks/active_learning.py
    python benchmarks/active_learning.py --clips 5                # as many recordings as the shipped demo has
    python benchmarks/active_learning.py --first 200 --weights uncertainty=1,diversity=0   # to choose weights with

The stills are labelled moments of the demo site's cameras, rendered anew: ``--clips`` recordings of each, split as the
dataset builder splits them. The pool is its training part, the score the accuracy on its test part. The learner is a
logistic regression on the embedded base's own embeddings of the pictures, less what each camera always shows: what a
tuned adapter would do in minutes it does in a blink, so that it can be fitted anew after every few labels. Queue and
random picking begin with the same few random labels; the queue's choices are made by the workbench's own code
(``workbench/labeling/queue.py``) from the learner's class probabilities. Each seed has other first labels and other
random picks.

The target: labels to 90 % of the score that all labels give, at most half as many as by random picking.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from workbench.datasets import FrameToSplit, split_frames
from workbench.domain import USUAL_WEIGHTS, Signal, Split
from workbench.labeling.queue import choose
from workbench.labeling.signals import Floats, combined, novelty, ranks, uncertainty
from workbench.scenes.demo_script import CLASS_NAMES
from workbench.scenes.demo_site import DemoStill, demo_stills
from workbench.settings import embedded_path

TARGET_SHARE, TARGET_RATIO = 0.9, 0.5
STEPS_SHOWN = (10, 20, 40, 80, 160)
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
    """``labels`` to the target by seed, and the mean score after so many labels."""

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
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--start", type=int, default=10, help="random labels that both begin with")
    parser.add_argument("--batch", type=int, default=5, help="labels between two fits of the learner")
    parser.add_argument("--most", type=int, default=300, help="labels after which a curve ends")
    parser.add_argument("--weights", default="", help="such as uncertainty=1,diversity=0.5 (the default)")
    parser.add_argument("--keep", type=Path, help="folder in which embeddings are kept for the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    weights = {
        Signal(name): float(weight) for name, weight in (part.split("=") for part in given.weights.split(",") if part)
    }
    rules = Rules(given.start, given.batch, given.most, weights or USUAL_WEIGHTS)
    began_s = time.perf_counter()
    stills = seen_stills(range(given.first, given.first + given.clips), given.keep)
    looked_s = time.perf_counter() - began_s
    full = score(fitted(stills, stills.pool), stills)
    outcomes = {
        name: outcome(stills, pick, rules, range(given.seeds), TARGET_SHARE * full)
        for name, pick in {"random": at_random, "queue": by_queue}.items()
    }
    took = f"{looked_s:.0f} s to look, {time.perf_counter() - began_s - looked_s:.0f} s to simulate"
    if given.json:
        print(json.dumps({"pool": len(stills.pool), "held_out": len(stills.held_out), "full": full, "took": took,
                          **{name: asdict(one) for name, one in outcomes.items()}}, indent=2))  # fmt: skip
    else:
        print(report(stills, full, outcomes), took, sep="\n")


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


def outcome(stills: Stills, pick: Pick, rules: Rules, seeds: range, target: float) -> Outcome:
    curves = [curve(stills, pick, rules, seed) for seed in seeds]
    labels = [next((count for count, reached in one.items() if reached >= target), rules.most) for one in curves]
    shown = [count for count in curves[0] if count in STEPS_SHOWN]
    return Outcome(labels, {count: statistics.fmean(one[count] for one in curves) for count in shown})


def curve(stills: Stills, pick: Pick, rules: Rules, seed: int) -> dict[int, float]:
    """Return the score after each number of labels."""
    random = np.random.default_rng(seed)
    order = [int(row) for row in random.permutation(stills.pool)]
    labelled = order[: rules.start]
    while len({stills.class_names[row] for row in labelled}) < 2:
        labelled.append(order[len(labelled)])
    scores = {len(labelled): score(fitted(stills, labelled), stills)}
    while len(labelled) < min(rules.most, len(stills.pool)):
        rest = sorted(set(stills.pool) - set(labelled))
        labelled += pick(stills, labelled, rest, min(rules.batch, len(rest)), rules, random)
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
    probabilities = fitted(stills, labelled).predict_proba(views)
    signals = {Signal.UNCERTAINTY: uncertainty(probabilities), Signal.DIVERSITY: ranks(novelty(views, asked))}
    scores = combined(signals, rules.weights)
    chosen = choose(scores, views, size=size, cameras=[stills.cameras[row] for row in rest], known=asked)
    return [rest[place] for place in chosen]


def fitted(stills: Stills, rows: Sequence[int]) -> LogisticRegression:
    names = [stills.class_names[row] for row in rows]
    return LogisticRegression(C=REGULARISATION, max_iter=500).fit(stills.views[list(rows)], names)


def score(learner: LogisticRegression, stills: Stills) -> float:
    held_out = list(stills.held_out)
    return float(learner.score(stills.views[held_out], [stills.class_names[row] for row in held_out]))


def report(stills: Stills, full: float, outcomes: Mapping[str, Outcome]) -> str:
    means = {name: statistics.fmean(one.labels) for name, one in outcomes.items()}
    ratio = means["queue"] / means["random"]
    rows = [
        f"{len(stills.pool)} stills in the pool, {len(stills.held_out)} held out; all labels give {full:.3f}.",
        "",
        "| | labels to the target, mean | by seed | "
        + " | ".join(f"score at {n}" for n in outcomes["queue"].scores)
        + " |",
        "| --- | ---: | --- | " + " | ".join("---:" for _ in outcomes["queue"].scores) + " |",
    ]
    for name, one in outcomes.items():
        scores = " | ".join(f"{reached:.3f}" for reached in one.scores.values())
        rows.append(f"| {name} | {means[name]:.0f} | {', '.join(map(str, one.labels))} | {scores} |")
    kept = "yes" if ratio <= TARGET_RATIO else "no"
    return "\n".join([*rows, "", f"The queue needs {ratio:.2f} times as many; at most {TARGET_RATIO}: {kept}."])


if __name__ == "__main__":
    main()
