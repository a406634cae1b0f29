"""What each metric is called and means, in words for whoever has to decide on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.domain import Interval

__all__ = ["FIGURE_TEXTS", "METRIC_TEXTS", "MetricText"]


@dataclass(frozen=True)
class MetricText:
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


METRIC_TEXTS: Mapping[str, MetricText] = {
    "class_accuracy": MetricText("Right class", "Share of frames whose class the model chose as people did.", True),
    "macro_f1": MetricText(
        "Macro-F1", "Finding and not over-calling a class, averaged so that rare classes count in full.", True
    ),
    "weighted_f1": MetricText(
        "Weighted F1", "The same, averaged so that a class counts by how many stills people gave it.", True
    ),
    "cider": MetricText(
        "Caption: CIDEr", "Telling words shared with people's captions; 0 to 10, comparable within one set.", scale=10
    ),
    "bleu_4": MetricText("Caption: BLEU-4", "Runs of up to four words that also stand in people's captions."),
    "meteor_exact_stem": MetricText(
        "Caption: METEOR (exact, stem)", "Words and word stems shared, and their order. Not comparable to full METEOR."
    ),
    "rouge_l": MetricText("Caption: ROUGE-L", "The longest run of words in common, gaps allowed."),
    "ece": MetricText(
        "Calibration error", "How far the model's probabilities are from how often it is right. Lower is better.",
        in_percent=True, lower_is_better=True,
    ),
    "brier": MetricText(
        "Brier score", "How far the probabilities lie from the truth, squared; 0 to 2. Lower is better.", scale=2,
        lower_is_better=True,
    ),
}  # fmt: skip

FIGURE_TEXTS: Mapping[str, MetricText] = {
    "chair_s": MetricText(
        "Captions with something absent", "Share of captions that name an object which is not there.", True,
        lower_is_better=True,
    ),
    "chair_i": MetricText(
        "Absent objects", "Share of the objects named that are not there.", True, lower_is_better=True
    ),
    "accuracy": MetricText("Right", "Share of the questions answered rightly.", True),
    "precision": MetricText("Yes that is true", "Of what the model says is there, what is.", True),
    "recall": MetricText("Found", "Of what is there, what the model says is there.", True),
    "f1": MetricText("F1 of yes", "The middle of the two.", True),
    "yes_ratio": MetricText("Share of yes", "Near 50 % for a model that does not just agree.", True),
    "class_accuracy": MetricText("Right class", "One of some classes, of another scene each time.", True),
    "count_accuracy": MetricText("Right number", "How many of something there are.", True),
    "yes_no_accuracy": MetricText("Right yes or no", "Whether something is so.", True),
    "cider": MetricText("Caption: CIDEr", "Telling words shared with the scene's caption.", scale=10),
    "score": MetricText("Judge's score", "From 1 to 5, the mean of two orders of the rubric.", scale=5),
}  # fmt: skip
"""What the figures of checks are called and mean, by the last part of their names."""
