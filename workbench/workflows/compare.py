"""Two measured models on the same frames: which is better, where, and on which frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import Interval
from workbench.evaluation import Assessment, FrameResult, compare
from workbench.evaluation.checks import Check
from workbench.evaluation.robustness import RobustnessCurve, robustness_curves
from workbench.evaluation.slices import SliceFigures, sliced
from workbench.statistics.permutation import p_value_of_clips
from workbench.workflows.measured import Measured, assessments_of, stored_checks, two_measured
from workbench.workflows.workspace import Workspace

__all__ = ["Comparison", "MetricComparison", "compare_models"]


@dataclass(frozen=True)
class MetricComparison:
    """``difference`` is paired, the first model minus the second; ``p_value`` is None with fewer than six clips."""

    name: str
    own: Interval
    other: Interval
    difference: Interval
    p_value: float | None


@dataclass(frozen=True)
class Comparison:
    """The first model (``own``) beside the second, with everything that was said about each frame."""

    own: Measured
    other: Measured
    metrics: tuple[MetricComparison, ...]
    slices: tuple[SliceFigures, ...]
    of_own: Assessment
    of_other: Assessment
    robustness: tuple[tuple[RobustnessCurve, RobustnessCurve], ...] = ()
    """Both models' curves of each corruption, where both were measured in poor conditions."""

    def furthest_behind(self, count: int) -> Sequence[tuple[FrameResult, FrameResult]]:
        """Return the frames on which the first model fares worst beside the second: both results of each."""

        def lead(pair: tuple[FrameResult, FrameResult]) -> tuple[int, float]:
            own, other = pair
            return own.is_right - other.is_right, own.truth_probability - other.truth_probability

        behind = [pair for pair in zip(self.of_own.frames, self.of_other.frames, strict=True) if lead(pair) < (0, 0.0)]
        return sorted(behind, key=lead)[:count]


def compare_models(workspace: Workspace, site: str, one: str, other: str, *, part: str = "test") -> Comparison:
    """Compare two measured models, named as for ``two_measured``, which says what can be wrong with them."""
    first, second = two_measured(workspace, site, one, other, part=part)
    of_own, of_other = assessments_of(workspace, (first, second))
    clips = [result.frame.clip_id for result in of_own.frames]
    metrics = [
        MetricComparison(
            name,
            of_own.report.metrics[name],
            of_other.report.metrics[name],
            difference,
            p_value_of_clips(of_own.statistics[name], of_other.statistics[name], clips),
        )
        for name, difference in compare(of_own, of_other).items()
    ]
    slices = tuple(sliced(of_own, of_other))
    return Comparison(first, second, tuple(metrics), slices, of_own, of_other, _both_curves(workspace, first, second))


def _both_curves(
    workspace: Workspace, first: Measured, second: Measured
) -> tuple[tuple[RobustnessCurve, RobustnessCurve], ...]:
    own, other = ({one.corruption: one for one in _curves(workspace, model)} for model in (first, second))
    return tuple((own[name], other[name]) for name in own if name in other)


def _curves(workspace: Workspace, model: Measured) -> list[RobustnessCurve]:
    return [
        curve
        for result in stored_checks(workspace, model)
        if result.check is Check.ROBUSTNESS
        for curve in robustness_curves(result.figures)
    ]
