"""The files that pictures came from."""

from sqlalchemy import Column, Index, String, Table, Text

from workbench.store.tables.schema import a_frame, metadata

__all__ = ["picture_files"]

picture_files = Table(
    "picture_files",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("folder", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("stem", Text, nullable=False),
    Column("frame_id", String(64), nullable=False),
    a_frame(),
    Index("picture_files_by_stem", "site", "stem"),
    Index("picture_files_of_frame", "site", "frame_id"),
)
"""Every picture file of a folder with the frame that it became, so that labels find the frame by the file's name.

``folder`` is the name of the folder's recording, ``stem`` is ``name`` without its suffix.
"""
