"""The report as one self-contained HTML page for a reviewer: no script, nothing fetched, printable."""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from workbench.domain import Interval
from workbench.evaluation.checks import CHECK_TEXTS, CheckResult
from workbench.evaluation.plots import abstention_plot, precision_recall_plots, robustness_plots
from workbench.evaluation.report import Assessment, FrameResult
from workbench.evaluation.slices import SliceFigures
from workbench.metric_texts import FIGURE_TEXTS, METRIC_TEXTS
from workbench.statistics.clusters import ENOUGH_CLIPS

__all__ = ["render_html"]

_THUMBNAIL_WIDTH = 360
_WORST_FRAMES = 12


def render_html(
    assessment: Assessment,
    *,
    site: str,
    baseline: Assessment | None = None,
    differences: Mapping[str, Interval] | None = None,
    slices: Sequence[SliceFigures] = (),
    checks: Sequence[CheckResult] = (),
    made_at: str,
    is_golden: bool = False,
) -> str:
    """Return the page. ``differences`` are the paired ones of ``assessment`` and ``baseline``, by metric.

    ``slices`` are figures of the class accuracy on kinds of frames, ``checks`` what was measured besides.

    Where it ``is_golden`` the frames are those of a golden set and not of a split.
    """
    return _template().render(
        site=site,
        made_at=made_at,
        is_golden=is_golden,
        assessment=assessment,
        report=assessment.report,
        baseline=baseline,
        differences=differences or {},
        headline=_headline(assessment, baseline, differences or {}),
        slices=slices,
        checks=checks,
        check_texts=CHECK_TEXTS,
        figure_texts=FIGURE_TEXTS,
        robustness=[plot for result in checks for plot in robustness_plots(result.figures)],
        abstention=abstention_plot(assessment, baseline),
        precision_recall=precision_recall_plots(assessment, baseline),
        texts=METRIC_TEXTS,
        matrix=_matrix(assessment),
        enough_clips=ENOUGH_CLIPS,
        worst=assessment.worst_frames(_WORST_FRAMES),
        right=sum(result.is_right for result in assessment.frames),
        thumbnail=_thumbnail,
    )


def _headline(assessment: Assessment, baseline: Assessment | None, differences: Mapping[str, Interval]) -> list[str]:
    """Return the result in one to three plain sentences."""
    text = METRIC_TEXTS["class_accuracy"]
    own = assessment.report.metrics["class_accuracy"]
    sentences = [f"This model chose the right class in {text.number(own.value)} of the frames ({text.bounds(own)})."]
    if baseline is None:
        return sentences
    base = baseline.report.metrics["class_accuracy"]
    sentences.append(f"The base model did in {text.number(base.value)} ({text.bounds(base)}).")
    difference = differences["class_accuracy"]
    told = {
        "better": f"The adapted model is better: {text.change(difference)}, between {_points(difference)}.",
        "worse": f"The adapted model is worse: {text.change(difference)}, between {_points(difference)}.",
        "unclear": f"With so few independent frames the two cannot be told apart: between {_points(difference)}.",
    }
    return [*sentences, told[text.verdict(difference)]]


def _points(difference: Interval) -> str:
    return f"{100 * difference.low:+.0f} and {100 * difference.high:+.0f} points".replace("-", "−")


def _matrix(assessment: Assessment) -> Sequence[Sequence[tuple[int, float]]]:
    """Return the confusion matrix with each cell's share of its row."""
    n_classes = len(assessment.class_names)
    flat = [int(count) for count in assessment.confusion.ravel()]
    rows = [flat[start : start + n_classes] for start in range(0, len(flat), n_classes)]
    return [[(count, count / max(1, sum(row))) for count in row] for row in rows]


def _thumbnail(result: FrameResult) -> str:
    """Return the frame as a small JPEG in a data URL."""
    with Image.open(BytesIO(result.frame.image_jpeg)) as image:
        small = image.convert("RGB")
        small.thumbnail((_THUMBNAIL_WIDTH, _THUMBNAIL_WIDTH))
        content = BytesIO()
        small.save(content, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("workbench.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
