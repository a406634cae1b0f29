"""Which model's suggestion each answer began with, and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, or_, select

from workbench.domain import Answer, Basis, Response, utc_now
from workbench.store.database import Database
from workbench.store.tables import annotations, frames, predictions, reactions, shown_models

__all__ = ["Reactions", "ReadAnswer", "ShownModel"]


@dataclass(frozen=True)
class ShownModel:
    """Labellers of a project started from this version's suggestions ``since`` then."""

    since: datetime
    model_version: str


@dataclass(frozen=True)
class ReadAnswer:
    """An answer, or a skip, as it was looked at; ``model_version`` is None where it began with no suggestion.

    ``basis`` says by what that is known; ``read_at`` is when the answer had been changed last.
    """

    annotation_id: int
    frame_id: str
    model_version: str | None
    basis: Basis
    is_skip: bool
    read_at: datetime


class Reactions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def show(self, site: str, project_id: int, model_version: str) -> None:
        """Remember that the project shows this version's suggestions from now on, unless it does already."""
        with self._database.transaction():
            shown = self.shown(site, project_id)
            if not shown or shown[-1].model_version != model_version:
                row = {"site": site, "project_id": project_id, "since": utc_now(), "model_version": model_version}
                self._database.insert(shown_models, [row])

    def shown(self, site: str, project_id: int) -> list[ShownModel]:
        """Return whose suggestions a project showed, oldest first."""
        of_project = (shown_models.c.site == site, shown_models.c.project_id == project_id)
        rows = self._database.rows(select(shown_models).where(*of_project).order_by(shown_models.c.since))
        return [ShownModel(row.since, row.model_version) for row in rows]

    def unread(self, site: str) -> dict[int, str]:
        """Return the frames, by annotation number, of new or changed answers where some model said something."""
        guessed = exists().where(
            predictions.c.site == annotations.c.site, predictions.c.frame_id == annotations.c.frame_id
        )
        read = exists().where(
            reactions.c.site == annotations.c.site,
            reactions.c.annotation_id == annotations.c.annotation_id,
            reactions.c.read_at == annotations.c.updated_at,
            ~reactions.c.is_skip,
        )
        query = select(annotations.c.annotation_id, annotations.c.frame_id)
        query = query.where(annotations.c.site == site, guessed, ~read)
        return {row.annotation_id: row.frame_id for row in self._database.rows(query)}

    def put(self, site: str, answers: Sequence[ReadAnswer]) -> None:
        self._database.insert(
            reactions,
            [{"site": site, **asdict(answer), "basis": answer.basis.value} for answer in answers],
            overwrite=True,
        )

    def replace_skips(self, site: str, skips: Sequence[ReadAnswer]) -> None:
        """Make ``skips`` all that there are; an answer that was a skip before is not touched."""
        with self._database.transaction():
            self._database.write(delete(reactions).where(reactions.c.site == site, reactions.c.is_skip))
            self.put(site, skips)

    def mark(self, site: str) -> tuple[object, ...]:
        """Return, quickly, what is another whenever :meth:`responses` are."""
        marks: list[object] = []
        for table, changed_at in ((reactions, reactions.c.read_at), (annotations, annotations.c.updated_at)):
            facts = [func.max(changed_at), func.count()]
            marks += self._database.rows(select(*facts).where(table.c.site == site))[0]
        return tuple(marks)

    def responses(self, site: str, versions: Collection[str] | None = None) -> list[Response]:
        """Return every suggestion (of ``versions``, where given) that an answer or skip began with, oldest first."""
        of_reaction = (reactions.c.site == predictions.c.site, reactions.c.frame_id == predictions.c.frame_id)
        of_answer = (
            annotations.c.site == reactions.c.site,
            annotations.c.annotation_id == reactions.c.annotation_id,
            ~reactions.c.is_skip,
        )
        query = (
            select(
                *reactions.c["model_version", "basis", "read_at"],
                predictions.c.class_name.label("suggested_class"),
                predictions.c.caption.label("suggested_caption"),
                *annotations.c["class_name", "caption", "updated_at"],
                *frames.c["camera", "clip_id", "taken_at"],
            )
            .join(predictions, and_(*of_reaction, reactions.c.model_version == predictions.c.model_version))
            .join(frames, and_(frames.c.site == reactions.c.site, frames.c.id == reactions.c.frame_id))
            .outerjoin(annotations, and_(*of_answer))
            .where(reactions.c.site == site, or_(reactions.c.is_skip, annotations.c.annotation_id.is_not(None)))
            .order_by(reactions.c.read_at, reactions.c.annotation_id)
        )
        if versions is not None:
            query = query.where(reactions.c.model_version.in_(versions))
        return [
            Response(
                model_version=row.model_version,
                basis=Basis(row.basis),
                suggested=Answer(row.suggested_class, row.suggested_caption),
                said=None if row.class_name is None else Answer(row.class_name, row.caption),
                at=row.updated_at or row.read_at,
                camera=row.camera,
                clip_id=row.clip_id,
                taken_at=row.taken_at,
            )
            for row in self._database.rows(query)
        ]
