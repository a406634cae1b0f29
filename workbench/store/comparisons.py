"""Preferences between two models' answers; they are added, never changed."""

from sqlalchemy import select

from workbench.domain import Contest, Preference
from workbench.store.database import Database
from workbench.store.tables import preferences

__all__ = ["Comparisons"]


class Comparisons:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, contest: Contest, preference: Preference) -> None:
        row = {**_key(contest), **vars(preference)}
        self._database.insert(preferences, [row])

    def of(self, contest: Contest) -> list[Preference]:
        """Return the newest preference of each person about each frame, oldest first."""
        those = [preferences.c[name] == value for name, value in _key(contest).items()]
        rows = self._database.rows(select(preferences).where(*those).order_by(preferences.c.id))
        newest = {
            (row.frame_id, row.person): Preference(row.frame_id, row.person, row.preferred, row.at) for row in rows
        }
        return list(newest.values())


def _key(contest: Contest) -> dict[str, str]:
    first, second = contest.models
    return {
        "site": contest.site,
        "set_id": contest.set_id,
        "part": contest.part,
        "first": first,
        "second": second,
    }
