"""The tables, by what they are about. Times are stored as UTC and come back timezone-aware."""

from workbench.store.tables.comparisons import preferences
from workbench.store.tables.datasets import dataset_versions, golden_sets, refused_builds, split_pins
from workbench.store.tables.footage import arrivals, clips, frames, picture_prints, samplings, sightings
from workbench.store.tables.labels import annotations, frame_state, imported_answers, label_tasks, predictions
from workbench.store.tables.operations import audit_events, candidates, jobs, users
from workbench.store.tables.pictures import picture_files
from workbench.store.tables.places import cameras, live_recordings, sites, streams
from workbench.store.tables.pulls import answered_tasks, label_hooks, pull_cursors
from workbench.store.tables.queue import model_opinions, queue_plans
from workbench.store.tables.reviews import decisions, gold_answers, labeller_accounts, overlap_rules
from workbench.store.tables.schema import FILL, metadata
from workbench.store.tables.search import search_embeddings, search_encoders
from workbench.store.tables.suggestions import (
    asked_suggestions,
    current_models,
    reactions,
    shown_models,
    suggesters,
)
from workbench.store.tables.timelines import clip_parts

__all__ = [
    "FILL",
    "annotations",
    "answered_tasks",
    "arrivals",
    "asked_suggestions",
    "audit_events",
    "cameras",
    "candidates",
    "clip_parts",
    "clips",
    "current_models",
    "dataset_versions",
    "decisions",
    "frame_state",
    "frames",
    "gold_answers",
    "golden_sets",
    "imported_answers",
    "jobs",
    "label_hooks",
    "label_tasks",
    "labeller_accounts",
    "live_recordings",
    "metadata",
    "model_opinions",
    "overlap_rules",
    "picture_files",
    "picture_prints",
    "predictions",
    "preferences",
    "pull_cursors",
    "queue_plans",
    "reactions",
    "refused_builds",
    "samplings",
    "search_embeddings",
    "search_encoders",
    "shown_models",
    "sightings",
    "sites",
    "split_pins",
    "streams",
    "suggesters",
    "users",
]
