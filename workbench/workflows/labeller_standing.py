"""How one labeller is doing: what reviewers made of his answers, how far others agree, and his gold tasks."""

from dataclasses import dataclass

from workbench.domain import Decision
from workbench.labeling.gold import GoldScore
from workbench.store import Store
from workbench.workflows.agreement import AgreementRow, measure_agreement
from workbench.workflows.answers import counting_answers
from workbench.workflows.gold import score_labellers

__all__ = ["LabellerStanding", "standing_of"]


@dataclass(frozen=True)
class LabellerStanding:
    """Of the ``answers`` a reviewer ``confirmed`` the class of some, ``corrected`` others and sent some back."""

    labeller: str
    answers: int
    confirmed: int
    corrected: int
    sent_back: int
    agreement: AgreementRow | None
    gold: GoldScore | None


def standing_of(store: Store, site: str, labeller: str) -> LabellerStanding:
    decided = [_class_said(decision, labeller) for decision in store.reviews.in_force(site).values()]
    right = [said == true for said, true in decided if said and true]
    sent_back = [one for one in store.reviews.sent_back(site) if any(said.labeller == labeller for said in one.said)]
    scores = {one.labeller: one.score for one in score_labellers(store, site)}
    return LabellerStanding(
        labeller=labeller,
        answers=sum(one.labeller == labeller for one in counting_answers(store, site)),
        confirmed=sum(right),
        corrected=len(right) - sum(right),
        sent_back=len(sent_back),
        agreement=measure_agreement(store, site).of(labeller),
        gold=scores.get(labeller),
    )


def _class_said(decision: Decision, labeller: str) -> tuple[str, str]:
    """Return the class that the labeller gave and the one that was decided; empty where there is none."""
    said = next((one.class_name for one in decision.said if one.labeller == labeller), "")
    return said, decision.answer.class_name if decision.answer else ""
