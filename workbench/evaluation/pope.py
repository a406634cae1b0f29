"""Yes/no probes for objects that are and are not in a frame, made from what people annotated.

Li et al., "Evaluating Object Hallucination in Large Vision-Language Models", EMNLP 2023 (POPE). For each object that
is there one is asked for that is not: any (random), the most common one of the set (popular), or the one that most
often stands beside what is there (adversarial).
"""

import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import permutations

import numpy as np

from workbench.errors import UsageError
from workbench.statistics.statistic import Floats, Statistic

__all__ = ["PopeScores", "Probe", "ProbeKind", "make_probes", "read_yes_or_no", "score_probes"]

_QUESTION = "Is there {} {} in the image?"
_WORD = re.compile(r"[a-z']+")
_NO = frozenset(["no", "not", "none", "isn't", "aren't", "doesn't", "don't", "cannot", "can't"])
_BOTH = re.compile(r"yes (?:and|or) no|no (?:and|or) yes")
_UNSURE = re.compile(
    r"\b(?:(?:don't|do not) know|(?:cannot|can't|can not|hard to|impossible to|unable to) (?:tell|say|determine|know)|"
    r"not (?:sure|certain|clear|possible)|unsure|uncertain|unclear|whether)\b"
)


class ProbeKind(StrEnum):
    RANDOM = "random"
    POPULAR = "popular"
    ADVERSARIAL = "adversarial"


@dataclass(frozen=True)
class Probe:
    frame_id: str
    object_name: str
    question: str
    is_there: bool
    kind: ProbeKind


@dataclass(frozen=True)
class PopeScores:
    """``statistics`` are accuracy, precision, recall and F1 of "yes", and the share of "yes" among all probes.

    An answer that is neither yes nor no is wrong, and counted in ``unparseable``.
    """

    statistics: tuple[Statistic, ...]
    unparseable: int


def make_probes(
    present: Mapping[str, Collection[str]], kind: ProbeKind, *, per_frame: int = 3, seed: int = 0
) -> tuple[Probe, ...]:
    """Return as many probes for what is there as for what is not, at most ``per_frame`` of each in a frame.

    ``present`` are the objects by frame id; all objects of the set are asked for. A frame with nothing, or everything,
    in it gets no probe. UsageError when that leaves none.
    """
    objects = sorted({name for there in present.values() for name in there})
    common = Counter(name for there in present.values() for name in set(there))
    beside = Counter(pair for there in present.values() for pair in permutations(set(there), 2))
    probes: list[Probe] = []
    for frame_id, there in sorted(present.items()):
        rng = random.Random(f"{seed}/{frame_id}/{kind}")
        absent = [name for name in objects if name not in there]
        rng.shuffle(absent)
        if kind is ProbeKind.POPULAR:
            absent.sort(key=lambda name: -common[name])
        elif kind is ProbeKind.ADVERSARIAL:
            absent.sort(key=lambda name: (-sum(beside[name, other] for other in there), -common[name]))
        count = min(per_frame, len(set(there)), len(absent))
        probes += [_probe(frame_id, name, True, kind) for name in rng.sample(sorted(set(there)), count)]
        probes += [_probe(frame_id, name, False, kind) for name in absent[:count]]
    if not probes:
        raise UsageError(
            expected="frames that show some of the objects and lack others",
            found=f"{len(objects)} objects in {len(present)} frames, in each of which all or none are",
            remedy="annotate frames with more than one object",
        )
    return tuple(probes)


def read_yes_or_no(answer: str) -> bool | None:
    """Return what an answer says; None when it says neither, or both, or that it does not know."""
    text = answer.lower().replace("’", "'")
    words = _WORD.findall(text)
    if _BOTH.search(text):
        return None
    if words and words[0] in ("yes", "no"):
        return bool(words[0] == "yes")
    if _UNSURE.search(text):
        return None
    says_yes, says_no = "yes" in words, not _NO.isdisjoint(words)
    return says_yes if says_yes != says_no else None


def score_probes(probes: Sequence[Probe], answers: Sequence[str]) -> PopeScores:
    """Score one answer per probe; a row counts true and false yes, true and false no, and what was neither."""
    if not probes:
        raise UsageError(expected="at least one probe", found="none", remedy="make probes from annotated frames")
    said = [read_yes_or_no(answer) for answer in answers]
    rows = np.zeros((len(probes), 5))
    for row, (probe, yes) in enumerate(zip(probes, said, strict=True)):
        rows[row] = [
            probe.is_there and yes is True,
            not probe.is_there and yes is True,
            not probe.is_there and yes is False,
            probe.is_there and yes is not True,
            1,
        ]
    ratios = {
        "pope_accuracy": ((0, 2), (4,)),
        "pope_precision": ((0,), (0, 1)),
        "pope_recall": ((0,), (0, 3)),
        "pope_f1": ((0, 0), (0, 0, 1, 3)),
        "pope_yes_ratio": ((0, 1), (4,)),
    }
    statistics = tuple(
        Statistic(name, rows, partial(_ratio, part=part, whole=whole), is_share=True)
        for name, (part, whole) in ratios.items()
    )
    return PopeScores(statistics, said.count(None))


def _probe(frame_id: str, name: str, is_there: bool, kind: ProbeKind) -> Probe:
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return Probe(frame_id, name, _QUESTION.format(article, name), is_there, kind)


def _ratio(sums: Floats, *, part: Sequence[int], whole: Sequence[int]) -> Floats:
    above, below = sums[..., list(part)].sum(axis=-1), sums[..., list(whole)].sum(axis=-1)
    ratio: Floats = np.divide(above, below, out=np.zeros_like(below), where=below > 0)
    return ratio
