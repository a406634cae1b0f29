"""Has a camera's footage moved away from what its model was trained on? Tests that know that neighbours are alike."""

from workbench.drift.report import EFFECT_THRESHOLDS, SIGNIFICANCE, CameraWindows, drift_reports
from workbench.drift.window import Window

__all__ = ["EFFECT_THRESHOLDS", "SIGNIFICANCE", "CameraWindows", "Window", "drift_reports"]
