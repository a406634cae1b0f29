"""Two models' answers beside each other, judged by people who do not see whose is whose."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Contest", "Preference"]


@dataclass(frozen=True)
class Contest:
    """Two models, by their versions, on one part (``test``, ``golden``) of what has that id; the order says nothing."""

    site: str
    set_id: str
    part: str
    models: tuple[str, str]

    def __post_init__(self) -> None:
        assert self.models[0] < self.models[1], "two different models, in the order of their names"

    @classmethod
    def of(cls, site: str, set_id: str, part: str, one: str, other: str) -> "Contest":
        first, second = sorted((one, other))
        return cls(site, set_id, part, (first, second))


@dataclass(frozen=True)
class Preference:
    """Whose answer about a frame a person preferred; None where neither was better."""

    frame_id: str
    person: str
    preferred: str | None
    at: datetime
