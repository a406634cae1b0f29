"""Measure how far labellers agree: about classes beyond chance, about captions as consensus."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import combinations
from operator import attrgetter

import numpy as np

from workbench.domain import Interval
from workbench.evaluation.captions import cider_of
from workbench.evaluation.cider import CIDER_UPPER
from workbench.labeling.agreement import (
    Agreement,
    Ratings,
    agreement_about,
    agreement_between,
    agreement_of,
    agreement_of_all,
)
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of
from workbench.statistics.statistic import Floats, Integers, mean_of
from workbench.store import BriefAnswer, Store
from workbench.workflows.answers import by_frame, counting_answers

__all__ = ["AgreementReport", "AgreementRow", "measure_agreement"]

_Name = Callable[[BriefAnswer], str]
_Shown = tuple[str, str, datetime]
"""A frame's id, its clip's, and when it was taken."""
_Compare = Callable[[str, Sequence[Ratings], Integers], Agreement]


@dataclass(frozen=True)
class AgreementRow:
    """How far people agree about a class, with a labeller or with each other; ``captions`` is CIDEr, 0 to 10.

    ``answers`` are all that were given, those to frames that nobody else answered included.
    """

    name: str
    answers: int
    classes: Agreement
    captions: Interval | None


@dataclass(frozen=True)
class AgreementReport:
    """Alpha for everybody, for each class against the rest and each labeller against the others; kappa for pairs."""

    site: str
    overall: AgreementRow
    by_class: tuple[AgreementRow, ...]
    by_labeller: tuple[AgreementRow, ...]
    by_pair: tuple[AgreementRow, ...]

    def of(self, labeller: str) -> AgreementRow | None:
        return next((row for row in self.by_labeller if row.name == labeller), None)


def measure_agreement(store: Store, site: str) -> AgreementReport:
    """Compare the answers that count to frames that several labellers gave one to.

    Gold tasks are left out: they are chosen, not drawn. A caption's score is CIDEr against what the others wrote about
    the same frame, all captions together; intervals resample clips.
    """
    known_site, gold = store.sites.get(site), store.gold.all(site)
    said = tuple(one for one in counting_answers(store, site) if one.frame_id not in gold)
    several = [frame_id for frame_id, answers in by_frame(said).items() if len(answers) > 1]
    frames = store.footage.by_id(site, several)
    shown = tuple((frame_id, frames[frame_id].clip_id, frames[frame_id].taken_at) for frame_id in several)
    return _compared(site, known_site.class_names, said, shown)


@lru_cache(maxsize=4)
def _compared(
    site: str, class_names: tuple[str, ...], said: tuple[BriefAnswer, ...], shown: tuple[_Shown, ...]
) -> AgreementReport:
    """Compare the answers ``said``; the same answers again, as a page asks for them, take no time."""
    shared = _Shared.of(said, shown)
    by_class, by_labeller = attrgetter("class_name"), attrgetter("labeller")
    labellers = sorted(set(map(by_labeller, said)))
    classes = dict.fromkeys((*class_names, *sorted(set(map(by_class, said)))))
    everybody = agreement_of_all(shared.ratings, shared.clusters)
    return AgreementReport(
        site=site,
        overall=AgreementRow("everybody", len(said), everybody, shared.captions(lambda one: "", "")),
        by_class=_rows(classes, by_class, agreement_about, said, shared),
        by_labeller=_rows(labellers, by_labeller, agreement_of, said, shared),
        by_pair=tuple(_pairs(labellers, shared)),
    )


@dataclass(frozen=True)
class _Shared:
    """The frames that several people answered; ``clusters`` and ``ratings`` are by frame, the rest by answer."""

    said: tuple[BriefAnswer, ...]
    ratings: tuple[dict[str, str], ...]
    clusters: Integers
    frame_of: Integers
    cider: Floats

    @classmethod
    def of(cls, said: Sequence[BriefAnswer], shown: Sequence[_Shown]) -> "_Shared":
        of_frame = by_frame(said)
        groups = [of_frame[frame_id] for frame_id, _, _ in shown]
        return cls(
            said=tuple(answer for group in groups for answer in group),
            ratings=tuple({one.labeller: one.class_name for one in group} for group in groups),
            clusters=clusters_of([clip_id for _, clip_id, _ in shown], [taken_at for _, _, taken_at in shown]),
            frame_of=np.repeat(np.arange(len(groups), dtype=np.int64), [len(group) for group in groups]),
            cider=_consensus(groups),
        )

    def captions(self, of: _Name, name: str) -> Interval | None:
        """Return the mean consensus of the answers ``of`` that name; None where all stand and fall together."""
        rows = np.array([place for place, one in enumerate(self.said) if of(one) == name], dtype=np.int64)
        clusters = self.clusters[self.frame_of[rows]]
        if len(np.unique(clusters[:, 0])) < 2:
            return None
        return interval_of(mean_of("cider", self.cider[rows], upper=CIDER_UPPER), clusters)


def _rows(
    names: Iterable[str], of: _Name, compare: _Compare, said: Sequence[BriefAnswer], shared: _Shared
) -> tuple[AgreementRow, ...]:
    answers = Counter(map(of, said))
    return tuple(
        AgreementRow(name, answers[name], compare(name, shared.ratings, shared.clusters), shared.captions(of, name))
        for name in names
    )


def _consensus(groups: Iterable[Sequence[BriefAnswer]]) -> Floats:
    """Return each answer's CIDEr against the other answers of its group."""
    rows = [(one.caption, [other.caption for other in group if other is not one]) for group in groups for one in group]
    if not rows:
        return np.zeros(0)
    return cider_of([caption for caption, _ in rows], [others for _, others in rows])


def _pairs(labellers: Sequence[str], shared: _Shared) -> Iterable[AgreementRow]:
    for first, second in combinations(labellers, 2):
        both = agreement_between(first, second, shared.ratings, shared.clusters)
        if both.frames:
            yield AgreementRow(f"{first} and {second}", 2 * both.frames, both, None)
