"""Suggestions that labellers wait for, the process that makes them, and the version that it makes them with."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from workbench.domain import Prediction, utc_now
from workbench.store.database import Database
from workbench.store.tables import asked_suggestions, current_models, predictions, suggesters

__all__ = ["CurrentModel", "Suggester", "Suggestions"]


@dataclass(frozen=True)
class CurrentModel:
    """``source`` changes with what would be loaded now, so that a version of another source is an old one."""

    source: str
    model_version: str


@dataclass(frozen=True)
class Suggester:
    """A process, by its number and birth, that works off what is asked for; ``is_ready`` once its model is loaded."""

    pid: int
    born_at: datetime
    is_ready: bool


class Suggestions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def model(self, site: str) -> CurrentModel | None:
        """Return what the site's model was when it was loaded last."""
        for row in self._database.rows(select(current_models).where(current_models.c.site == site)):
            return CurrentModel(row.source, row.model_version)
        return None

    def set_model(self, site: str, model: CurrentModel) -> None:
        row = {"site": site, "source": model.source, "model_version": model.model_version}
        self._database.insert(current_models, [row], overwrite=True)

    def made(self, site: str, model_version: str, frame_ids: Collection[str]) -> dict[str, Prediction]:
        """Return what a model version said about these frames, by frame id."""
        columns = [column for column in predictions.c if column.name != "site"]
        query = select(*columns).where(predictions.c.site == site, predictions.c.model_version == model_version)
        rows = self._database.rows_among(query, predictions.c.frame_id, frame_ids)
        return {row.frame_id: Prediction(**row._mapping) for row in rows}

    def ask(self, site: str, frame_ids: Iterable[str]) -> None:
        """Put frames on the site's list; one that is on it moves to the front."""
        now = utc_now()
        rows = [{"site": site, "frame_id": frame_id, "asked_at": now} for frame_id in frame_ids]
        self._database.insert(asked_suggestions, rows, overwrite=True)

    def asked(self, site: str, limit: int) -> list[str]:
        """Return frames of the list, those that were asked for last first: somebody looks at them now."""
        query = select(asked_suggestions.c.frame_id).where(asked_suggestions.c.site == site)
        newest_first = query.order_by(asked_suggestions.c.asked_at.desc(), asked_suggestions.c.frame_id)
        return [row.frame_id for row in self._database.rows(newest_first.limit(limit))]

    def count_asked(self, site: str) -> int:
        query = select(func.count()).select_from(asked_suggestions).where(asked_suggestions.c.site == site)
        return int(self._database.rows(query)[0][0])

    def settle(self, site: str, frame_ids: Collection[str]) -> None:
        """Take frames off the site's list."""
        on_list = (asked_suggestions.c.site == site, asked_suggestions.c.frame_id.in_(frame_ids))
        self._database.write(delete(asked_suggestions).where(*on_list))

    def suggester(self, site: str) -> Suggester | None:
        for row in self._database.rows(select(suggesters).where(suggesters.c.site == site)):
            return Suggester(row.pid, row.born_at, row.is_ready)
        return None

    def set_suggester(self, site: str, suggester: Suggester) -> None:
        row = {
            "site": site,
            "pid": suggester.pid,
            "born_at": suggester.born_at,
            "is_ready": suggester.is_ready,
        }
        self._database.insert(suggesters, [row], overwrite=True)

    def retire(self, site: str) -> bool:
        """Let the site's suggester go unless something is on the list, and tell whether it was let go.

        Whoever puts something on the list, and sees a suggester in the same transaction, can count on it.
        """
        with self._database.transaction():
            if self.asked(site, limit=1):
                return False
            self._database.write(delete(suggesters).where(suggesters.c.site == site))
            return True
