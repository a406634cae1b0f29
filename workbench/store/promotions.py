"""The ledger of candidates and champions. MLflow's aliases are a projection of it, never its source."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select, update

from workbench.domain import Candidate, CandidateState, Gate, Verdict
from workbench.errors import NotFoundError, PromotionError
from workbench.store.database import Database
from workbench.store.tables import candidates, sites


class Promotions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, candidate: Candidate) -> None:
        self._database.insert(candidates, [asdict(candidate)])

    def get(self, site: str, version: int) -> Candidate:
        query = select(candidates).where(candidates.c.site == site, candidates.c.version == version)
        for row in self._database.rows(query):
            return _candidate(row)
        known = ", ".join(str(candidate.version) for candidate in self.all(site)) or "(none)"
        raise NotFoundError(
            expected=f"a candidate version {version} of site {site}",
            found=f"the versions {known}",
            remedy="request one with `workbench promote request`",
        )

    def all(self, site: str) -> list[Candidate]:
        """Return a site's candidates, newest first."""
        query = select(candidates).where(candidates.c.site == site).order_by(candidates.c.version.desc())
        return [_candidate(row) for row in self._database.rows(query)]

    def decide(self, decided: Candidate) -> None:
        """Write the decision that ``decided`` carries; PromotionError when someone else decided first."""
        statement = (
            update(candidates)
            .where(
                candidates.c.site == decided.site,
                candidates.c.version == decided.version,
                candidates.c.state == CandidateState.REQUESTED.value,
            )
            .values(
                state=decided.state.value,
                decided_by=decided.decided_by,
                decided_at=decided.decided_at,
                decision_note=decided.decision_note,
            )
        )
        if not self._database.write(statement):
            current = self.get(decided.site, decided.version)
            raise PromotionError(
                expected=f"version {decided.version} of {decided.site} to wait for a decision",
                found=f"{current.state.value} by {current.decided_by}",
                remedy="request it again if the decision should change",
            )

    def champion(self, site: str) -> int | None:
        """Return the version in force at ``site``, if any was ever approved."""
        rows = self._database.rows(select(sites.c.champion).where(sites.c.name == site))
        return rows[0].champion if rows else None

    def move_champion(self, site: str, *, expected: int | None, new: int | None) -> None:
        """Put ``new`` in force where ``expected`` is; PromotionError when it no longer is."""
        statement = update(sites).where(sites.c.name == site, sites.c.champion.is_not_distinct_from(expected))
        if not self._database.write(statement.values(champion=new)):
            raise PromotionError(
                expected=f"version {expected} to be champion of {site}",
                found=f"version {self.champion(site)}",
                remedy="look at the newest champion and decide again",
            )


def _candidate(row: Row[Any]) -> Candidate:
    values = dict(row._mapping)
    values["state"] = CandidateState(values["state"])
    values["gates"] = tuple(Gate(**{**gate, "verdict": Verdict(gate["verdict"])}) for gate in values["gates"])
    return Candidate(**values)
