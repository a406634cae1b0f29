"""What was asked about frames, what models guessed and what people answered."""

from sqlalchemy import JSON, Column, Exists, Float, ForeignKey, Index, Integer, String, Table, Text, case, exists

from workbench.store.frame_filter import FrameState
from workbench.store.tables.footage import frames
from workbench.store.tables.schema import FILL, UtcDateTime, a_frame, metadata

__all__ = ["annotations", "frame_state", "imported_answers", "label_tasks", "predictions"]

label_tasks = Table(
    "label_tasks",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("task_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    a_frame(),
)

predictions = Table(
    "predictions",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("model_version", String(255), primary_key=True),
    Column("class_name", String(63), nullable=False),
    Column("caption", Text, nullable=False),
    Column("score", Float, nullable=False),
    a_frame(),
)

annotations = Table(
    "annotations",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("annotation_id", Integer, primary_key=True),
    Column("frame_id", String(64), nullable=False),
    Column("class_name", String(63), nullable=False),
    Column("caption", Text, nullable=False),
    Column("labeller", String(255), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("replies", JSON, nullable=False, server_default="{}"),
    Column("boxes", JSON, nullable=False, server_default="[]"),
    a_frame(),
    Index("annotations_of_frame", "site", "frame_id"),
)


def _names_a_frame(table: Table) -> Exists:
    return exists().where(table.c.site == frames.c.site, table.c.frame_id == frames.c.id)


frame_state = case(
    (_names_a_frame(annotations), FrameState.LABELLED.value),
    (_names_a_frame(label_tasks), FrameState.IN_LABELLING.value),
    else_=FrameState.UNLABELLED.value,
)
"""What a row of ``frames`` has to hold as its ``state``."""

frames.c.state.info[FILL] = frame_state

imported_answers = Table(
    "imported_answers",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("frame_id", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    a_frame(),
    Index("imported_answers_of_frame", "site", "frame_id", "project_id", "digest"),
)
"""What files said about frames: SHA-256 of class and caption, so that it is known after people have changed it."""
