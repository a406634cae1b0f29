"""Two measured models on the same frames: which is better, where, and on which frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import Interval
from workbench.evaluation import Assessment, FrameResult, compare
from workbench.evaluation.slices import SliceFigures, sliced
from workbench.statistics.clusters import clips_of
from workbench.statistics.permutation import paired_p_value
from workbench.workflows.measured import Measured, assessment_of, two_measured
from workbench.workflows.workspace import Workspace

__all__ = ["Comparison", "MetricComparison", "compare_models"]


@dataclass(frozen=True)
class MetricComparison:
    """``difference`` is paired, the first model minus the second; ``p_value`` of the paired permutation test."""

    name: str
    own: Interval
    other: Interval
    difference: Interval
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """The first model (``own``) beside the second, with everything that was said about each frame."""

    own: Measured
    other: Measured
    metrics: tuple[MetricComparison, ...]
    slices: tuple[SliceFigures, ...]
    of_own: Assessment
    of_other: Assessment

    def furthest_behind(self, count: int) -> Sequence[tuple[FrameResult, FrameResult]]:
        """Return the frames on which the first model fares worst beside the second: both results of each."""
        pairs = list(zip(self.of_own.frames, self.of_other.frames, strict=True))
        pairs.sort(
            key=lambda pair: (
                pair[0].is_right - pair[1].is_right,
                pair[0].truth_probability - pair[1].truth_probability,
            )
        )
        return pairs[:count]


def compare_models(workspace: Workspace, site: str, one: str, other: str, *, part: str = "test") -> Comparison:
    """Compare two measured models, named as for ``two_measured``, which says what can be wrong with them."""
    first, second = two_measured(workspace, site, one, other, part=part)
    of_own, of_other = (assessment_of(workspace, model) for model in (first, second))
    clips = clips_of([result.frame.clip_id for result in of_own.frames])
    metrics = [
        MetricComparison(
            name,
            of_own.report.metrics[name],
            of_other.report.metrics[name],
            difference,
            paired_p_value(of_own.statistics[name], of_other.statistics[name], clips),
        )
        for name, difference in compare(of_own, of_other).items()
    ]
    return Comparison(first, second, tuple(metrics), tuple(sliced(of_own, of_other)), of_own, of_other)
