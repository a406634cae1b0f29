"""The report as one self-contained HTML page for a reviewer: no script, nothing fetched, printable."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from workbench.domain import Interval
from workbench.evaluation.report import Assessment, FrameResult

__all__ = ["render_html"]

_THUMBNAIL_WIDTH = 360
_WORST_FRAMES = 12


@dataclass(frozen=True)
class _MetricText:
    """How a metric is told: ``in_percent`` for shares; the best value decides which way a difference is good."""

    title: str
    meaning: str
    in_percent: bool = False
    scale: float = 1.0
    lower_is_better: bool = False

    def number(self, value: float) -> str:
        return f"{100 * value:.0f}\u00a0%" if self.in_percent else f"{value:.3f}"

    def bounds(self, interval: Interval) -> str:
        if self.in_percent:
            return f"{100 * interval.low:.0f}–{100 * interval.high:.0f}\u00a0%"
        return f"{interval.low:.3f}–{interval.high:.3f}"

    def change(self, interval: Interval) -> str:
        change = f"{100 * interval.value:+.0f} points" if self.in_percent else f"{interval.value:+.3f}"
        return change.replace("-", "−")

    def verdict(self, interval: Interval) -> str:
        """Return ``better``, ``worse`` or, where the interval holds 0, ``unclear``."""
        if interval.low <= 0 <= interval.high:
            return "unclear"
        return "better" if (interval.value > 0) != self.lower_is_better else "worse"


_TEXTS: Mapping[str, _MetricText] = {
    "class_accuracy": _MetricText("Right class", "Share of frames whose class the model chose as people did.", True),
    "macro_f1": _MetricText(
        "Macro-F1", "Finding and not over-calling a class, averaged so that rare classes count in full.", True
    ),
    "cider": _MetricText(
        "Caption: CIDEr", "Telling words shared with people's captions; 0 to 10, comparable within one set.", scale=10
    ),
    "bleu_4": _MetricText("Caption: BLEU-4", "Runs of up to four words that also stand in people's captions."),
    "meteor_exact_stem": _MetricText(
        "Caption: METEOR (exact, stem)", "Words and word stems shared, and their order. Not comparable to full METEOR."
    ),
    "rouge_l": _MetricText("Caption: ROUGE-L", "The longest run of words in common, gaps allowed."),
    "ece": _MetricText(
        "Calibration error", "How far the model's probabilities are from how often it is right. Lower is better.",
        in_percent=True, lower_is_better=True,
    ),
}  # fmt: skip


def render_html(
    assessment: Assessment,
    *,
    site: str,
    baseline: Assessment | None = None,
    differences: Mapping[str, Interval] | None = None,
    made_at: str,
) -> str:
    """Return the page. ``differences`` are the paired ones of ``assessment`` and ``baseline``, by metric."""
    return _template().render(
        site=site,
        made_at=made_at,
        assessment=assessment,
        report=assessment.report,
        baseline=baseline,
        differences=differences or {},
        headline=_headline(assessment, baseline, differences or {}),
        texts=_TEXTS,
        matrix=_matrix(assessment),
        worst=assessment.worst_frames(_WORST_FRAMES),
        right=sum(result.is_right for result in assessment.frames),
        thumbnail=_thumbnail,
    )


def _headline(assessment: Assessment, baseline: Assessment | None, differences: Mapping[str, Interval]) -> list[str]:
    """Return the result in one to three plain sentences."""
    text = _TEXTS["class_accuracy"]
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
