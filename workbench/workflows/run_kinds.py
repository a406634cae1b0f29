"""What a run in MLflow is for; of what was tuned, a dual encoder is nothing that promotion could put in force."""

__all__ = ["DRIFT", "MEASURE", "MEASURE_SEARCH", "SUGGESTIONS", "SWEEP", "TUNE", "TUNE_SEARCH"]

TUNE = "tune"
TUNE_SEARCH = "tune-search"
SWEEP = "sweep"
MEASURE = "evaluate"
MEASURE_SEARCH = "evaluate-search"
SUGGESTIONS = "suggestions"
DRIFT = "drift"
