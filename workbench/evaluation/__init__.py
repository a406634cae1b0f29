"""Evidence that can be believed: metrics equal to their references, with intervals, and a report people can read."""

from workbench.evaluation.captions import CaptionScores, score_captions
from workbench.evaluation.html import render_html
from workbench.evaluation.report import METRICS, Answers, Assessment, FrameResult, assess, compare

__all__ = [
    "METRICS",
    "Answers",
    "Assessment",
    "CaptionScores",
    "FrameResult",
    "assess",
    "compare",
    "render_html",
    "score_captions",
]
