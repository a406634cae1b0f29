"""The tables, by what they are about. Times are stored as UTC and come back timezone-aware."""

from workbench.store.tables.datasets import dataset_versions, split_pins
from workbench.store.tables.footage import arrivals, clips, frames, picture_prints, samplings, sightings
from workbench.store.tables.labels import annotations, frame_state, imported_answers, label_tasks, predictions
from workbench.store.tables.operations import audit_events, candidates, jobs, users
from workbench.store.tables.places import cameras, live_recordings, sites, streams
from workbench.store.tables.schema import FILL, metadata

__all__ = [
    "FILL",
    "annotations",
    "arrivals",
    "audit_events",
    "cameras",
    "candidates",
    "clips",
    "dataset_versions",
    "frame_state",
    "frames",
    "imported_answers",
    "jobs",
    "label_tasks",
    "live_recordings",
    "metadata",
    "picture_prints",
    "predictions",
    "samplings",
    "sightings",
    "sites",
    "split_pins",
    "streams",
    "users",
]
