"""What a tuning run tuned, as MLflow keeps it; a dual encoder is nothing that promotion could put in force."""

__all__ = ["TUNE", "TUNE_SEARCH"]

TUNE = "tune"
TUNE_SEARCH = "tune-search"
