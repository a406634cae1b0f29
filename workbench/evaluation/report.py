"""From a model's answers on labelled frames to an :class:`EvaluationReport` and everything the HTML page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from workbench.domain import EvaluationReport, Interval, LabelledFrame, Split
from workbench.errors import DatasetError
from workbench.evaluation.captions import CaptionScores, score_captions
from workbench.evaluation.classification import (
    ClassScores,
    class_accuracy,
    confusion,
    macro_f1,
    per_class,
    weighted_f1,
)
from workbench.evaluation.confidence import brier_score, calibration_error
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of, paired_difference
from workbench.statistics.statistic import Bools, Floats, Integers, Statistic

__all__ = ["METRICS", "Answers", "Assessment", "FrameResult", "assess", "compare"]

METRICS = (
    "class_accuracy", "macro_f1", "weighted_f1", "cider", "bleu_4", "meteor_exact_stem", "rouge_l", "ece", "brier",
)  # fmt: skip
"""The metrics of a report, in the order in which people read them."""


@dataclass(frozen=True)
class Answers:
    """What one model said about the rows; ``probabilities`` is ``[n_rows, n_classes]``, ordered as ``class_names``."""

    model_version: str
    class_names: tuple[str, ...]
    probabilities: Floats
    captions: tuple[str, ...]

    @property
    def classes(self) -> list[str]:
        return [self.class_names[place] for place in self.probabilities.argmax(axis=1)]

    @property
    def confidence(self) -> Floats:
        """The probability of the class answered, ``[n_rows]``."""
        confidence: Floats = self.probabilities.max(axis=1)
        return confidence

    def probabilities_of(self, class_names: Sequence[str]) -> Floats:
        """Return each row's probability of the class at the same place; 0 for a class that the model cannot answer."""
        padded, places = self._padded(class_names)
        probabilities: Floats = padded[np.arange(len(padded)), places]
        return probabilities

    def over(self, class_names: Sequence[str]) -> "Answers":
        """Return the same answers with a column for each of ``class_names``, 0 for a class that was no choice."""
        padded, places = self._padded(class_names)
        return replace(self, class_names=tuple(class_names), probabilities=padded[:, places])

    def _padded(self, class_names: Sequence[str]) -> tuple[Floats, list[int]]:
        """Return the probabilities with a last column of 0, and which column says something of each name."""
        places = {name: place for place, name in enumerate(self.class_names)}
        return np.pad(self.probabilities, ((0, 0), (0, 1))), [places.get(name, -1) for name in class_names]


@dataclass(frozen=True)
class FrameResult:
    """One frame with what people and the model said; ``truth_probability`` is the model's for the true class."""

    frame: LabelledFrame
    class_name: str
    probability: float
    truth_probability: float
    caption: str
    cider: float

    @property
    def is_right(self) -> bool:
        return self.class_name == self.frame.class_name


@dataclass(frozen=True)
class Assessment:
    """A report with what it was made of; ``confusion`` counts ``[true, answered]`` over ``class_names``."""

    report: EvaluationReport
    answers: Answers
    class_names: tuple[str, ...]
    per_class: tuple[ClassScores, ...]
    confusion: Integers
    frames: tuple[FrameResult, ...]
    clips: int
    clusters: Integers
    statistics: Mapping[str, Statistic]

    def worst_frames(self, count: int) -> tuple[FrameResult, ...]:
        """Return the frames that went wrong most clearly: wrong classes first, then the poorest captions."""
        wrong = [result for result in self.frames if not result.is_right]
        right = [result for result in self.frames if result.is_right]
        wrong.sort(key=attrgetter("truth_probability"))
        right.sort(key=attrgetter("cider"))
        return tuple([*wrong, *right][:count])


def assess(rows: Sequence[LabelledFrame], answers: Answers, *, dataset_id: str, split: Split) -> Assessment:
    """Measure ``answers`` on ``rows`` (same order). DatasetError when there is no row to measure on."""
    frames = list(rows)
    if not frames:
        raise DatasetError(
            expected=f"frames in the {split} split",
            found="none",
            remedy="label more clips, or build the dataset with some pinned to this split",
        )
    truth, predicted = [frame.class_name for frame in frames], answers.classes
    class_names = (*answers.class_names, *sorted(set(truth) - set(answers.class_names)))
    captions = score_captions(answers.captions, [[frame.caption] for frame in frames])
    statistics = _statistics(truth, predicted, answers, captions)
    report = EvaluationReport(
        model_version=answers.model_version,
        dataset_id=dataset_id,
        split=split,
        rows=len(frames),
        metrics=_intervals(statistics, frames, np.ones(len(frames), dtype=np.bool_)),
        by_camera={
            camera: _intervals(statistics, frames, np.array([frame.camera == camera for frame in frames]))
            for camera in sorted({frame.camera for frame in frames})
        },
    )
    return Assessment(
        report=report,
        answers=answers,
        class_names=class_names,
        per_class=per_class(truth, predicted, class_names),
        confusion=confusion(truth, predicted, class_names),
        frames=_results(frames, answers, captions.cider),
        clips=len({frame.clip_id for frame in frames}),
        clusters=_clusters(frames),
        statistics=statistics,
    )


def compare(assessment: Assessment, baseline: Assessment) -> Mapping[str, Interval]:
    """Return each metric's paired difference, ``assessment - baseline``. DatasetError when their frames differ."""
    if [result.frame.frame_id for result in assessment.frames] != [result.frame.frame_id for result in baseline.frames]:
        raise DatasetError(
            expected="two models measured on the same frames",
            found=f"{len(assessment.frames)} frames of one and {len(baseline.frames)} others of the other",
            remedy="evaluate both on the same dataset version and split",
        )
    return {
        name: paired_difference(statistic, baseline.statistics[name], assessment.clusters)
        for name, statistic in assessment.statistics.items()
    }


def _results(frames: Sequence[LabelledFrame], answers: Answers, cider: Floats) -> tuple[FrameResult, ...]:
    truths = answers.probabilities_of([frame.class_name for frame in frames])
    return tuple(
        FrameResult(
            frame=frame,
            class_name=class_name,
            probability=float(probability),
            truth_probability=float(truth),
            caption=caption,
            cider=float(score),
        )
        for frame, class_name, probability, truth, caption, score in zip(
            frames, answers.classes, answers.confidence, truths, answers.captions, cider, strict=True
        )
    )


def _statistics(
    truth: Sequence[str], predicted: Sequence[str], answers: Answers, captions: CaptionScores
) -> dict[str, Statistic]:
    hits = np.array([a == b for a, b in zip(truth, predicted, strict=True)], dtype=np.float64)
    found = (
        class_accuracy(truth, predicted),
        macro_f1(truth, predicted, answers.class_names),
        weighted_f1(truth, predicted, answers.class_names),
        calibration_error(answers.confidence, hits),
        brier_score(answers.probabilities, truth, answers.class_names),
        *captions.statistics,
    )
    by_name = {statistic.name: statistic for statistic in found}
    return {name: by_name[name] for name in METRICS}


def _intervals(
    statistics: Mapping[str, Statistic], frames: Sequence[LabelledFrame], chosen: Bools
) -> dict[str, Interval]:
    clusters = _clusters([frame for frame, is_chosen in zip(frames, chosen, strict=True) if is_chosen])
    return {name: interval_of(statistic.of_rows(chosen), clusters) for name, statistic in statistics.items()}


def _clusters(frames: Sequence[LabelledFrame]) -> Integers:
    return clusters_of([frame.clip_id for frame in frames], [frame.taken_at for frame in frames])
