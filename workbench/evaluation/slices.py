"""Kinds of frames that a mean hides: by camera, class, time of day, light, motion, people, objects that are new.

Where labellers answered questions, every question divides the frames too, and each answer's frames are held against
the others': a gap between groups. Replies that were never learnt stand apart: of a question who is in view, new people.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from workbench.domain import Interval, LabelledFrame
from workbench.evaluation.object_words import PEOPLE, ObjectWords
from workbench.evaluation.report import Assessment
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of, paired_difference, unpaired_difference
from workbench.statistics.permutation import holm, p_value_of_clips
from workbench.statistics.statistic import Bools, Floats, Integers, Statistic

__all__ = ["Learnt", "Slice", "SliceFigures", "figures_of", "sliced", "slices_of"]

_PEOPLE = ObjectWords.of({"person": PEOPLE})
_DARK, _BRIGHT = 60.0, 120.0
"""Mean luma, of 255, below which a still is dark and from which on it is bright."""
_MOVED = 6.0
"""Mean difference of luma, of 255, from the clip's still before, from which on something moved."""
_PARTS_OF_DAY = ("night (0–6 h)", "morning (6–12 h)", "afternoon (12–18 h)", "evening (18–24 h)")
_SMALL_WH = (64, 36)
_ANSWER = "answer: "
_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Slice:
    """The frames (``chosen``, bool ``[n_rows]``) of which ``kind`` is ``value``."""

    kind: str
    value: str
    chosen: Bools

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.value}"

    @property
    def frames(self) -> int:
        return int(self.chosen.sum())


@dataclass(frozen=True)
class Learnt:
    """What a model met in what it was tuned on: objects, by the words for them, and replies to each question."""

    words: ObjectWords
    objects: frozenset[str]
    replies: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, words: ObjectWords, captions: Iterable[str], replies: Iterable[Mapping[str, str]]) -> "Learnt":
        met = defaultdict[str, set[str]](set)
        for given in replies:
            for question, reply in given.items():
                met[question].add(reply)
        objects = frozenset(name for caption in captions for name in words.mentions(caption))
        return cls(words, objects, {question: frozenset(every) for question, every in met.items()})

    def about_objects(self, caption: str) -> str | None:
        """Tell whether a caption speaks of something new; None where it speaks of no object."""
        named = set(self.words.mentions(caption))
        return ("some are new" if named - self.objects else "all known") if named else None

    def about_reply(self, question: str, reply: str | None) -> str | None:
        """Tell whether a reply, as of who is in view, was ever learnt; None without one, or where none was learnt."""
        if reply is None or question not in self.replies:
            return None
        return "known" if reply in self.replies[question] else "new"


@dataclass(frozen=True)
class SliceFigures:
    """One metric on a slice. ``difference`` is paired, this model minus the baseline; both None without one.

    ``p_value`` is of the paired permutation test, adjusted over all slices (Holm); None with fewer than six clips.
    ``gap`` is to the other frames of which this kind is known, where labellers told it by their answers to a question;
    None of other kinds.
    """

    kind: str
    value: str
    frames: int
    clips: int
    metric: Interval
    difference: Interval | None
    p_value: float | None
    gap: Interval | None = None


def slices_of(rows: Sequence[LabelledFrame], learnt: Learnt | None = None) -> list[Slice]:
    """Return every slice of at least five frames that is not all of them, kind by kind."""
    frames = list(rows)
    questions = sorted({name for frame in frames for name in frame.replies})
    lumas = [_luma(frame.image_jpeg) for frame in frames]
    kinds: dict[str, Sequence[str | None]] = {
        "camera": [frame.camera for frame in frames],
        "class": [frame.class_name for frame in frames],
        "time of day (UTC)": [_PARTS_OF_DAY[frame.taken_at.hour // 6] for frame in frames],
        "light": [_light(luma) for luma in lumas],
        "motion": _motion(frames, lumas),
        "people": ["in view" if _PEOPLE.mentions(frame.caption) else "none in view" for frame in frames],
        **{f"{_ANSWER}{name}": [frame.replies.get(name) for frame in frames] for name in questions},
    }
    if learnt:
        kinds["objects"] = [learnt.about_objects(frame.caption) for frame in frames]
        for name in questions:
            kinds[f"{name}, met before"] = [learnt.about_reply(name, frame.replies.get(name)) for frame in frames]
    found = [
        Slice(kind, value, np.array([one == value for one in values], dtype=np.bool_))
        for kind, values in kinds.items()
        for value in sorted({one for one in values if one is not None})
    ]
    return [one for one in found if _FEWEST <= one.frames < len(frames)]


def figures_of(
    slices: Sequence[Slice], rows: Sequence[LabelledFrame], own: Statistic, baseline: Statistic | None
) -> list[SliceFigures]:
    """Return a metric of the model on each slice, beside the baseline's on the same frames where there is one."""
    frames = list(rows)
    p_values: dict[str, float] = {}
    told: list[SliceFigures] = []
    for one in slices:
        clips = [frame.clip_id for frame in _chosen(frames, one.chosen)]
        ours, difference = own.of_rows(one.chosen), None
        if baseline is not None:
            theirs = baseline.of_rows(one.chosen)
            difference = paired_difference(ours, theirs, _clusters(frames, one.chosen))
            p_value = p_value_of_clips(ours, theirs, clips)
            p_values |= {} if p_value is None else {one.name: p_value}
        interval, gap = _interval(own, frames, one.chosen), _gap(one, frames, own)
        told.append(SliceFigures(one.kind, one.value, one.frames, len(set(clips)), interval, difference, None, gap))
    adjusted = holm(p_values)
    return [
        SliceFigures(**{**vars(figures), "p_value": adjusted.get(one.name)})
        for figures, one in zip(told, slices, strict=True)
    ]


def sliced(
    own: Assessment,
    baseline: Assessment | None,
    metric: str = "class_accuracy",
    *,
    learnt: Learnt | None = None,
) -> list[SliceFigures]:
    """Return one metric of an assessment on every slice of its frames, beside the baseline's."""
    rows = [result.frame for result in own.frames]
    theirs = baseline.statistics[metric] if baseline else None
    return figures_of(slices_of(rows, learnt), rows, own.statistics[metric], theirs)


def _gap(one: Slice, frames: Sequence[LabelledFrame], own: Statistic) -> Interval | None:
    """Return the metric of a group minus that of all others to whom its question was answered, however few."""
    question = one.kind.removeprefix(_ANSWER)
    rest = np.array([question in frame.replies for frame in frames]) & ~one.chosen
    if question == one.kind or rest.sum() < _FEWEST:
        return None
    return unpaired_difference(_interval(own, frames, one.chosen), _interval(own, frames, rest))


def _interval(statistic: Statistic, frames: Sequence[LabelledFrame], chosen: Bools) -> Interval:
    return interval_of(statistic.of_rows(chosen), _clusters(frames, chosen))


def _clusters(frames: Sequence[LabelledFrame], chosen: Bools) -> Integers:
    of = _chosen(frames, chosen)
    return clusters_of([frame.clip_id for frame in of], [frame.taken_at for frame in of])


def _chosen(frames: Sequence[LabelledFrame], chosen: Bools) -> list[LabelledFrame]:
    return [frame for frame, is_chosen in zip(frames, chosen, strict=True) if is_chosen]


def _luma(jpeg: bytes) -> Floats:
    """Return the brightness of a small copy, float64 ``[36, 64]`` of 255."""
    return np.asarray(Image.open(BytesIO(jpeg)).convert("L").resize(_SMALL_WH), dtype=np.float64)


def _light(luma: Floats) -> str:
    mean = float(luma.mean())
    return "dark" if mean < _DARK else "bright" if mean >= _BRIGHT else "medium"


def _motion(frames: Sequence[LabelledFrame], lumas: Sequence[Floats]) -> list[str | None]:
    """Tell of each frame whether the view changed since its clip's frame before; None of the first."""
    told: list[str | None] = [None] * len(frames)
    order = sorted(range(len(frames)), key=lambda place: (frames[place].clip_id, frames[place].taken_at))
    for before, place in itertools.pairwise(order):
        if frames[before].clip_id == frames[place].clip_id:
            moved = float(np.abs(lumas[place] - lumas[before]).mean())
            told[place] = "something moves" if moved >= _MOVED else "nothing moves"
    return told
