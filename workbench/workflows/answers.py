"""Which of the answers that people gave count, and what is held to be true about each frame."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from workbench.domain import Annotation, SettledAnswer, User
from workbench.errors import NotFoundError
from workbench.store import BriefAnswer, Store

__all__ = [
    "by_frame",
    "counting_annotations",
    "counting_answers",
    "decided_answers",
    "is_by",
    "label_account",
    "named_frame",
    "settled_answers",
]

_Said = TypeVar("_Said", Annotation, BriefAnswer)


def counting_answers(store: Store, site: str, frame_id: str | None = None) -> list[BriefAnswer]:
    """Return each labeller's newest answer to each frame (or to one), oldest first, but those that were sent back."""
    return _newest_of_each(store.reviews.brief_answers(site, frame_id), but=_sent_back(store, site))


def counting_annotations(store: Store, site: str) -> list[Annotation]:
    """Return the same answers whole."""
    return _newest_of_each(store.labels.annotations(site), but=_sent_back(store, site))


def by_frame(answers: Iterable[_Said]) -> dict[str, list[_Said]]:
    found: defaultdict[str, list[_Said]] = defaultdict(list)
    for answer in answers:
        found[answer.frame_id].append(answer)
    return dict(found)


def decided_answers(store: Store, site: str) -> dict[str, SettledAnswer]:
    """Return, by frame id, what a reviewer accepted or fixed, and the known answers of gold tasks, which win over all.

    Of a gold task's people only who gave the known answer is named: labellers are measured by it, not asked.
    """
    decided = {
        frame_id: SettledAnswer(decision.answer, (*_labellers(decision.said, but=decision.reviewer), decision.reviewer))
        for frame_id, decision in store.reviews.in_force(site).items()
        if decision.answer is not None
    }
    gold = {frame_id: SettledAnswer(one.answer, (one.added_by,)) for frame_id, one in store.gold.all(site).items()}
    return decided | gold


def settled_answers(store: Store, site: str) -> dict[str, SettledAnswer]:
    """Return what is held to be true about each frame that anybody answered: as decided, else the newest answer."""
    said = by_frame(counting_annotations(store, site))
    return {frame_id: _newest(answers) for frame_id, answers in said.items()} | decided_answers(store, site)


def label_account(store: Store, user: User, labellers: Iterable[str]) -> str | None:
    """Return under which of the names that ``labellers`` bear ``user`` labels; None where that is not known.

    It is the one that was told, else the only e-mail address that is the user's name at some host.
    """
    if told := store.users.label_account(user.name):
        return told
    alike = [email for email in sorted(set(labellers)) if _is_name_of(email, user)]
    return alike[0] if len(alike) == 1 else None


def is_by(store: Store, user: User, labeller: str) -> bool:
    """Tell whether ``labeller`` is ``user`` as far as anybody can know, in doubt yes."""
    told = store.users.label_account(user.name)
    return _is_name_of(labeller, user) or (told is not None and told.casefold() == labeller.casefold())


def named_frame(store: Store, site: str, beginning: str) -> str:
    """Return the id of the site's frame that begins so; NotFoundError unless it is exactly one."""
    store.sites.get(site)
    found = store.footage.beginning(site, beginning)
    if len(found) == 1:
        return found[0]
    raise NotFoundError(
        expected=f"the id of a frame of site {site}, or how only one begins",
        found=f"several that begin with {beginning!r}" if found else repr(beginning),
        remedy="see the ids with `workbench answers list`",
    )


def _newest_of_each(answers: Iterable[_Said], *, but: set[int]) -> list[_Said]:
    left = [one for one in answers if one.annotation_id not in but]
    newest = {(one.frame_id, one.labeller): one.annotation_id for one in left}
    counting = set(newest.values())
    return [one for one in left if one.annotation_id in counting]


def _sent_back(store: Store, site: str) -> set[int]:
    """Return the numbers of the annotations that are as they were when they were sent back.

    They are gone unless a pull was under way meanwhile; Label Studio may give their numbers to others.
    """
    known = {one.annotation_id: one for decision in store.reviews.sent_back(site) for one in decision.said}
    there = store.labels.annotations(site, known.keys()) if known else []
    return {one.annotation_id for one in there if one.updated_at == known[one.annotation_id].updated_at}


def _newest(said: Sequence[Annotation]) -> SettledAnswer:
    newest = said[-1]
    return SettledAnswer(newest.answer, (*_labellers(said, but=newest.labeller), newest.labeller))


def _labellers(said: Sequence[Annotation], *, but: str) -> tuple[str, ...]:
    return tuple(sorted({annotation.labeller for annotation in said} - {but}))


def _is_name_of(email: str, user: User) -> bool:
    return email.partition("@")[0].casefold() == user.name.casefold()
