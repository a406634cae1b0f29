"""Runs, metrics and artifacts in MLflow; only this package and ``promotion/registry.py`` know MLflow.

An MLflow experiment carries its site's name; runs in it are told apart by kind (``tune``, ``evaluate``, ``drift``).
The embedded default is SQLite with artifacts in a folder; at an ``http(s)`` tracking URI the server decides where
artifacts lie. MLflow must answer when a run is opened; after that a run goes on without it.
"""

from workbench.tracking.connection import mlflow_errors
from workbench.tracking.run_log import RunLog
from workbench.tracking.tracker import RunSummary, Tracker

__all__ = ["RunLog", "RunSummary", "Tracker", "mlflow_errors"]
