"""How labellers take a model's suggestions: accepted, edited, rejected or skipped, and how far edited captions moved.

Shares are of the answers that began with a suggestion, skips aside, with Wilson's bounds on the number of independent
frames; mean distances are those of edited captions, with bounds from a bootstrap by clip. Both know that frames of one
clip are not independent (see :mod:`workbench.statistics.intervals`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from workbench.domain import Basis, Interval, Response
from workbench.labeling.reactions import Reaction, edit_distance, reaction_to
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of
from workbench.statistics.statistic import Bools, Floats, Integers, mean_of

__all__ = ["Quality", "VersionQuality", "quality_of"]


@dataclass(frozen=True)
class Quality:
    """Of ``answers`` to suggestions; ``words`` and ``characters`` are how far edited captions moved, from 0 to 1.

    An interval is None where there is nothing to take it of.
    """

    name: str
    answers: int
    accepted: int
    edited: int
    rejected: int
    skipped: int
    accept_rate: Interval | None
    edit_rate: Interval | None
    reject_rate: Interval | None
    words: Interval | None
    characters: Interval | None


@dataclass(frozen=True)
class VersionQuality:
    """Reactions to one model version, by the class and the camera of what was suggested.

    ``by_parent`` answers were told by Label Studio to begin with its suggestion; of the others it is concluded.
    """

    model_version: str
    first_at: datetime
    last_at: datetime
    by_parent: int
    overall: Quality
    by_class: tuple[Quality, ...] = ()
    by_camera: tuple[Quality, ...] = ()


def quality_of(model_version: str, said: Sequence[Response], *, in_detail: bool = True) -> VersionQuality:
    """Return what people made of one version's suggestions, of which there is at least one."""
    counted = _Counted.of(said)
    classes = [one.suggested.class_name for one in said]
    cameras = [one.camera for one in said]
    return VersionQuality(
        model_version=model_version,
        first_at=min(one.at for one in said),
        last_at=max(one.at for one in said),
        by_parent=sum(one.basis is Basis.PARENT for one in said),
        overall=counted.quality(model_version, np.ones(len(said), dtype=bool)),
        by_class=_rows(counted, classes) if in_detail else (),
        by_camera=_rows(counted, cameras) if in_detail else (),
    )


@dataclass(frozen=True)
class _Counted:
    """By answer: the reaction, the cluster it stands and falls with, and how far an edited caption moved."""

    reactions: tuple[Reaction, ...]
    clusters: Integers
    words: Floats
    characters: Floats

    @classmethod
    def of(cls, said: Sequence[Response]) -> "_Counted":
        reactions = tuple(reaction_to(one.suggested, one.said) for one in said)
        distances = [
            edit_distance(one.suggested.caption, one.said.caption) if one.said and kind is Reaction.EDITED else None
            for one, kind in zip(said, reactions, strict=True)
        ]
        return cls(
            reactions=reactions,
            clusters=clusters_of([one.clip_id for one in said], [one.taken_at for one in said]),
            words=np.array([one.words if one else np.nan for one in distances]),
            characters=np.array([one.characters if one else np.nan for one in distances]),
        )

    def quality(self, name: str, chosen: Bools) -> Quality:
        counts = Counter(kind for kind, is_chosen in zip(self.reactions, chosen, strict=True) if is_chosen)
        edited = chosen & self._are(Reaction.EDITED)
        return Quality(
            name=name,
            answers=int(counts.total() - counts[Reaction.SKIPPED]),
            accepted=counts[Reaction.ACCEPTED],
            edited=counts[Reaction.EDITED],
            rejected=counts[Reaction.REJECTED],
            skipped=counts[Reaction.SKIPPED],
            accept_rate=self._rate(Reaction.ACCEPTED, chosen),
            edit_rate=self._rate(Reaction.EDITED, chosen),
            reject_rate=self._rate(Reaction.REJECTED, chosen),
            words=_mean("words", self.words[edited], self.clusters[edited]),
            characters=_mean("characters", self.characters[edited], self.clusters[edited]),
        )

    def _are(self, reaction: Reaction) -> Bools:
        return np.array([kind is reaction for kind in self.reactions], dtype=bool)

    def _rate(self, reaction: Reaction, chosen: Bools) -> Interval | None:
        answered = chosen & ~self._are(Reaction.SKIPPED)
        hits = self._are(reaction)[answered].astype(np.float64)
        return _mean(reaction.value, hits, self.clusters[answered], is_share=True)


def _rows(counted: _Counted, names: Sequence[str]) -> tuple[Quality, ...]:
    every = np.array(names, dtype=object)
    return tuple(counted.quality(name, np.asarray(every == name, dtype=bool)) for name in sorted(set(names)))


def _mean(name: str, values: Floats, clusters: Integers, *, is_share: bool = False) -> Interval | None:
    if not len(values):
        return None
    return interval_of(mean_of(name, values, is_share=is_share), clusters)
