"""Where approved adapters are handed over: the model registry that serving systems read."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["CHALLENGER", "CHAMPION", "DeploymentTarget"]

CHAMPION, CHALLENGER = "champion", "challenger"


class DeploymentTarget(Protocol):
    """A registry with one model a site, numbered versions and movable aliases; TrackingError when it refuses.

    It shows what the ledger says and decides nothing: aliases can be moved by anyone who may write to it.
    """

    def register(self, site: str, run_id: str, tags: Mapping[str, str]) -> int:
        """Make a new version of the site's model from the run's adapter and return its number."""

    def aliases(self, site: str) -> dict[str, int]:
        """Return the version behind each alias; none for a site without a model."""

    def point(self, site: str, alias: str, version: int | None) -> None:
        """Let ``alias`` stand for ``version``, or for nothing."""

    def label(self, site: str, version: int, tags: Mapping[str, str]) -> None:
        """Write ``tags`` on a version."""
