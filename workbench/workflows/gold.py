"""Gold tasks: frames whose answer is known, by which labellers are measured without being told."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import GoldAnswer, User, utc_now
from workbench.errors import NotFoundError, UsageError
from workbench.labeling.gold import GoldScore, score_of
from workbench.statistics.clusters import clusters_of
from workbench.store import BriefAnswer, Store
from workbench.workflows.answers import by_frame, counting_answers
from workbench.workflows.handing_out import hand_out
from workbench.workflows.review_answers import require_answer, require_reviewer
from workbench.workflows.workspace import Workspace

__all__ = ["ASKED", "GoldStanding", "LabellerScore", "add_gold", "gold_standings", "remove_gold", "score_labellers"]

ASKED = 0.8
"""The least share of gold tasks that a labeller is to get right."""


@dataclass(frozen=True)
class LabellerScore:
    labeller: str
    score: GoldScore


@dataclass(frozen=True)
class GoldStanding:
    """A gold task with who answered it, and who got its class right."""

    gold: GoldAnswer
    answered_by: tuple[str, ...]
    right: tuple[str, ...]


def add_gold(
    workspace: Workspace,
    *,
    site: str,
    frame_id: str,
    actor: User,
    class_name: str = "",
    caption: str = "",
) -> GoldAnswer:
    """Make the answer to a frame known: the one given, else what a reviewer decided about it.

    From then on every labeller is offered the frame's task like any other, and what they answer counts for their score
    alone: the known answer goes into datasets.

    Raises:
        AccessError: Not a reviewer.
        UsageError: No class of the site or no caption, or nothing was given and nothing decided.
        LabelStudioError: Label Studio does not answer; the answer is known, the next push hands the task out.
    """
    reviewer = require_reviewer(workspace.store, actor)
    frame_id = workspace.store.footage.get(site, frame_id).id
    decision = workspace.store.reviews.in_force(site).get(frame_id)
    decided = decision.answer if decision else None
    if class_name or caption:
        answer = require_answer(workspace.store, site, class_name, caption)
    elif decided is None:
        raise UsageError(
            expected=f"the known answer to frame {frame_id[:12]}, or a decision about it",
            found="neither",
            remedy="give class and caption, or accept or fix an answer to it first",
        )
    else:
        answer = decided
    gold = GoldAnswer(frame_id, answer, reviewer.name, utc_now())
    with workspace.store.transaction():
        workspace.store.gold.put(site, gold)
        detail = {"frame_id": frame_id, "class": answer.class_name}
        workspace.store.audit.append(actor=reviewer.name, action="gold.add", subject=site, detail=detail)
    hand_out(workspace, site, only=frame_id)
    return gold


def remove_gold(workspace: Workspace, *, site: str, frame_id: str, actor: User) -> None:
    """Make a gold task one like any other again: labellers' answers to it count, and a decision about it holds."""
    reviewer = require_reviewer(workspace.store, actor)
    with workspace.store.transaction():
        if not workspace.store.gold.remove(site, frame_id):
            raise NotFoundError(
                expected=f"a gold task of site {site}",
                found=frame_id[:12],
                remedy="see them with `workbench gold list`",
            )
        detail = {"frame_id": frame_id}
        workspace.store.audit.append(actor=reviewer.name, action="gold.remove", subject=site, detail=detail)
    hand_out(workspace, site, only=frame_id)


def gold_standings(store: Store, site: str) -> list[GoldStanding]:
    """Return the site's gold tasks, oldest first."""
    gold = store.gold.all(store.sites.get(site).name)
    said = by_frame(counting_answers(store, site)) if gold else {}
    return [_standing(one, said.get(frame_id, ())) for frame_id, one in gold.items()]


def score_labellers(store: Store, site: str, *, asked: float = ASKED) -> list[LabellerScore]:
    """Return how often each labeller gave the known class, by name; who answered no gold task is left out."""
    gold = store.gold.all(store.sites.get(site).name)
    if not gold:
        return []
    frames = store.footage.by_id(site, gold)
    said = [one for one in counting_answers(store, site) if one.frame_id in gold]
    scores = []
    for labeller in sorted({one.labeller for one in said}):
        own = [one for one in said if one.labeller == labeller]
        shown = [frames[one.frame_id] for one in own]
        clusters = clusters_of([frame.clip_id for frame in shown], [frame.taken_at for frame in shown])
        known = [gold[one.frame_id].answer.class_name for one in own]
        scores.append(LabellerScore(labeller, score_of(known, [one.class_name for one in own], clusters, asked=asked)))
    return scores


def _standing(gold: GoldAnswer, said: Sequence[BriefAnswer]) -> GoldStanding:
    right = (one.labeller for one in said if one.class_name == gold.answer.class_name)
    return GoldStanding(gold, tuple(sorted(one.labeller for one in said)), tuple(sorted(right)))
