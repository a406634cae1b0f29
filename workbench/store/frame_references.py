"""Lets everything that is known of a frame follow it to another id."""

from sqlalchemy import Delete, ForeignKeyConstraint, String, Update, bindparam, delete, exists, update

from workbench.store.database import Database
from workbench.store.tables import frames, metadata

__all__ = ["follow", "referring"]

_SITE, _OLD, _NEW = (bindparam(name, type_=String()) for name in ("in_site", "old_id", "new_id"))


def referring() -> list[ForeignKeyConstraint]:
    """Return every foreign key that leads to a frame, as the tables declare them."""
    return [
        constraint
        for table in metadata.sorted_tables
        for constraint in table.foreign_key_constraints
        if constraint.referred_table is frames
    ]


def follow(database: Database, site: str, old_id: str, new_id: str) -> None:
    """Move all rows that refer to the old id to the new one, whose frame has to be there, and drop the old frame.

    Where a table has one row for each frame and both have one, the new id's row stays. To be called in a transaction.
    """
    move = {"in_site": site, "old_id": old_id, "new_id": new_id}
    for reference in referring():
        for statement in _moves(reference):
            database.write_each(statement, [move])
    database.write_each(delete(frames).where(frames.c.site == _SITE, frames.c.id == _OLD), [move])


def _moves(reference: ForeignKeyConstraint) -> list[Delete | Update]:
    table = reference.table
    local = {element.column: element.parent for element in reference.elements}
    site, frame_id = local[frames.c.site], local[frames.c.id]
    of_old = (site == _SITE, frame_id == _OLD)
    move = update(table).where(*of_old).values({frame_id: _NEW})
    if not frame_id.primary_key:
        return [move]
    twin = table.alias()
    rest_of_key = [column for column in table.primary_key if column not in (site, frame_id)]
    has_twin = exists().where(
        twin.c[site.name] == _SITE,
        twin.c[frame_id.name] == _NEW,
        *(twin.c[column.name] == column for column in rest_of_key),
    )
    return [delete(table).where(*of_old, has_twin), move]
