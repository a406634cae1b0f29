"""How fast caption metrics are beside pycocoevalcap, and how often intervals and tests keep what they promise.

    python benchmarks/evaluation.py --captions 5000 --references 5 --repeats 2000

Speed: both sides tokenise the same captions and compute BLEU-1 to BLEU-4, ROUGE-L and CIDEr in one run each; Java must
be at hand for pycocoevalcap's tokeniser. The figures of both are compared as well.

Simulation: frames come in clips, and those of a clip are alike. Many such sets are drawn from a known truth; counted is
how often the 95 % interval holds it, how often that of the difference of two equally good models holds 0, and how often
the paired test calls them different at 0.05.
"""

import argparse
import contextlib
import io
import os
import platform
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TypeVar

import numpy as np
from scipy.special import betaincinv, ndtr

from workbench.evaluation.bleu import bleu
from workbench.evaluation.captions import tokenise_pairs
from workbench.evaluation.cider import cider_scores
from workbench.evaluation.meteor import meteor_exact_stem
from workbench.evaluation.ngrams import count_ngrams
from workbench.evaluation.rouge import rouge_l_scores
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of, paired_difference
from workbench.statistics.permutation import paired_p_value
from workbench.statistics.statistic import Statistic, mean_of

TARGET = 10
CLIPS = (3, 4, 6, 8, 12, 20, 40)
AT = datetime(2026, 1, 1, tzinfo=UTC)
RESAMPLES = 400
WHO = (
    "A man",
    "Two people",
    "A woman in a hi-vis vest",
    "The driver",
    "A worker",
    "Someone",
    "Three children",
    "A dog",
)
DOES = ("walks", "is standing", "waits", "drives", "is carrying boxes", "looks up", "doesn't move", "runs", "turns")
WHERE = (
    "near the gate",
    "beside a red truck",
    "in front of the door",
    "on the left",
    "between two parked cars",
    "under the lamp",
)
MORE = (
    "while it's raining",
    "at 10:30",
    "with a well-lit yard behind",
    "and another one follows",
    "(far away)",
    "as 3 others watch",
)

Named = dict[str, float]
Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=int, default=5000)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2000, help="simulated sets per row; 0 leaves the simulation out")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, ", end="")
    print(f"numpy {version('numpy')}, scipy {version('scipy')}, pycocoevalcap {version('pycocoevalcap')}\n")
    if arguments.captions:
        compare_speed(arguments.captions, arguments.references)
    if arguments.repeats:
        simulate(arguments.repeats)


def compare_speed(captions: int, references: int) -> None:
    rng = random.Random(0)
    candidates = [sentence(rng) for _ in range(captions)]
    groups = [[sentence(rng) for _ in range(references)] for _ in range(captions)]
    own_s, own, meteor_s = run_own(candidates, groups)
    print(f"{captions:,} captions with {references} references each:\n")
    if shutil.which("java") is None:
        print(f"Java is not installed: only our own {sum(own_s.values()):.2f} s")
        return
    reference_s, known = run_reference(candidates, groups)
    print("| seconds | workbench | pycocoevalcap | times as fast |\n| --- | ---: | ---: | ---: |")
    for name, took_s in own_s.items():
        print(f"| {name} | {took_s:.2f} | {reference_s[name]:.2f} | {reference_s[name] / took_s:.1f} |")
    own_all_s, reference_all_s = sum(own_s.values()), sum(reference_s.values())
    ratio = reference_all_s / own_all_s
    verdict = "" if ratio >= TARGET else ", MISSED"
    print(f"| all | {own_all_s:.2f} | {reference_all_s:.2f} | {ratio:.1f} (target {TARGET}{verdict}) |")
    furthest = max(abs(own[name] - known[name]) for name in known)
    print(f"\nThe figures differ by at most {furthest:.0e}. meteor_exact_stem takes {meteor_s:.2f} s more.\n")


def sentence(rng: random.Random) -> str:
    parts = [rng.choice(WHO), rng.choice(DOES), rng.choice(WHERE)]
    parts += [rng.choice(MORE)] if rng.random() < 0.5 else [rng.choice(WHERE)]
    return " ".join(parts) + rng.choice((".", ".", "", "!"))


def run_own(candidates: Sequence[str], groups: Sequence[Sequence[str]]) -> tuple[Named, Named, float]:
    took_s, (said, referred) = timed(lambda: tokenise_pairs(candidates, groups))
    counting_s, counts = timed(lambda: count_ngrams(said, referred))
    bleu_s, bleus = timed(lambda: bleu(counts))
    rouge_s, rouge = timed(lambda: rouge_l_scores(said, referred))
    cider_s, cider = timed(lambda: cider_scores(counts))
    meteor_s, _ = timed(lambda: meteor_exact_stem(said, referred))
    seconds = {
        "tokens": took_s,
        "BLEU, with counting n-grams": counting_s + bleu_s,
        "ROUGE-L": rouge_s,
        "CIDEr": cider_s,
    }
    figures = {one.name: one.value for one in bleus} | {"rouge_l": rouge.mean(), "cider": cider.mean()}
    return seconds, figures, meteor_s


def run_reference(candidates: Sequence[str], groups: Sequence[Sequence[str]]) -> tuple[Named, Named]:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    def tokens() -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        said = {image: [{"caption": caption}] for image, caption in enumerate(candidates)}
        referred = {image: [{"caption": caption} for caption in group] for image, group in enumerate(groups)}
        return PTBTokenizer().tokenize(referred), PTBTokenizer().tokenize(said)

    with contextlib.redirect_stdout(io.StringIO()):
        took_s, words = timed(tokens)
        bleu_s, (bleus, _) = timed(lambda: Bleu(4).compute_score(*words))
        rouge_s, (rouge, _) = timed(lambda: Rouge().compute_score(*words))
        cider_s, (cider, _) = timed(lambda: Cider().compute_score(*words))
    seconds = {"tokens": took_s, "BLEU, with counting n-grams": bleu_s, "ROUGE-L": rouge_s, "CIDEr": cider_s}
    figures = {f"bleu_{order}": value for order, value in enumerate(bleus, 1)} | {"rouge_l": rouge, "cider": cider}
    return seconds, figures


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    began_s = time.perf_counter()
    result = work()
    return time.perf_counter() - began_s, result


@dataclass(frozen=True)
class Truth:
    """How rows of two equally good models come about, whose mean is ``value``: ``draw`` gives both."""

    name: str
    value: float
    draw: Callable[[np.random.Generator, np.ndarray], tuple[Statistic, Statistic]]


def share(value: float, name: str) -> Truth:
    """Right answers, correlated by 0.3 within a clip; the models find mostly, not always, the same clips hard."""

    def draw(rng: np.random.Generator, clips: np.ndarray) -> tuple[Statistic, Statistic]:
        odds = (1 - 0.3) / 0.3
        hard = betaincinv(value * odds, (1 - value) * odds, ndtr(alike(rng, clips)))
        first, second = ((rng.random(len(clips)) < level[clips]).astype(float) for level in hard)
        return mean_of("share", first, is_share=True), mean_of("share", second, is_share=True)

    return Truth(name, value, draw)


def score(levels: Callable[[np.random.Generator, int], np.ndarray], noise: float, value: float, name: str) -> Truth:
    """Scores around a clip's level; each model is somewhat better or worse in each clip, and in each frame."""

    def draw(rng: np.random.Generator, clips: np.ndarray) -> tuple[Statistic, Statistic]:
        level, own = levels(rng, int(clips.max()) + 1), alike(rng, clips)
        first, second = (
            (level * (1 + 0.2 * model))[clips] * (1 + noise * rng.standard_normal(len(clips))) for model in own
        )
        return mean_of("score", first, upper=100), mean_of("score", second, upper=100)

    return Truth(name, value, draw)


def alike(rng: np.random.Generator, clips: np.ndarray) -> np.ndarray:
    """Return standard normals ``[2, n_clips]``, those of the models correlated by 0.6."""
    both, own = rng.standard_normal(int(clips.max()) + 1), rng.standard_normal((2, int(clips.max()) + 1))
    normals: np.ndarray = np.sqrt(0.6) * both + np.sqrt(0.4) * own
    return normals


TRUTHS = (
    share(0.7, "accuracy 0.7"),
    share(0.9, "accuracy 0.9"),
    share(0.97, "accuracy 0.97"),
    score(lambda rng, n: rng.normal(3, 0.7, n), 0.3, 3.0, "scores, even"),
    score(lambda rng, n: rng.gamma(4, 0.5, n), 0.5, 2.0, "scores, skewed as CIDEr"),
    score(lambda rng, n: rng.gamma(1, 2.0, n), 0.5, 2.0, "scores, exponential"),
)


def simulate(repeats: int) -> None:
    print(f"{repeats:,} simulated sets a row, clips of 4 to 24 frames:\n")
    print("| what is measured | clips | interval holds the truth | of the difference holds 0 | test errs at 0.05 |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for truth in TRUTHS:
        for clips in CLIPS:
            told = " | ".join(f"{rate:.1%}" for rate in rates(truth, clips, repeats))
            print(f"| {truth.name} | {clips} | {told} |", flush=True)


def rates(truth: Truth, n_clips: int, repeats: int) -> list[float]:
    rng = np.random.default_rng(n_clips)
    counts = np.zeros(3)
    for seed in range(repeats):
        clips = np.repeat(np.arange(n_clips), rng.integers(4, 25, n_clips))
        first, second = truth.draw(rng, clips)
        clusters = clusters_of(
            [f"{clip:03d}" for clip in clips], [AT + timedelta(seconds=row) for row in range(len(clips))]
        )
        sure = partial(interval_of, clusters=clusters, seed=seed, resamples=RESAMPLES)
        own, apart = sure(first), paired_difference(first, second, clusters, seed=seed, resamples=RESAMPLES)
        p_value = paired_p_value(first, second, clips, seed=seed, permutations=RESAMPLES)
        counts += [own.low <= truth.value <= own.high, apart.low <= 0 <= apart.high, p_value <= 0.05]
    return (counts / repeats).tolist()


if __name__ == "__main__":
    main()
