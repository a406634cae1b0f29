"""A still that waits for a reviewer, with what labellers and a model said about it."""

from markupsafe import Markup

from workbench.domain import Annotation, Decision
from workbench.ui.fragments import badge, empty_state, facts, note, short_id, time_of
from workbench.workflows.review_queue import Case, Reason, ReviewQueue

__all__ = ["case_shown", "decided", "nothing_waits", "waiting"]

_TONES = {Reason.DISAGREEMENT: "bad", Reason.ANSWERED_AGAIN: "warn", Reason.CHANGED: "warn", Reason.MODEL: "warn"}


def waiting(queue: ReviewQueue) -> Markup:
    figures = {reason.value: queue.waiting[reason] for reason in Reason if queue.waiting.get(reason)}
    return facts({"stills wait": sum(queue.waiting.values()), **figures}) if figures else Markup("")


def decided(decision: Decision) -> Markup:
    """Say what became of the still before the one shown."""
    answer = decision.answer
    told = f"{answer.class_name}, “{answer.caption}”" if answer else "labellers are asked again"
    return note(f"{decision.kind.capitalize()}: {told}", tone="good")


def nothing_waits() -> Markup:
    return empty_state(
        "No still waits for a reviewer",
        "They come where labellers disagree or a model contradicts them, and as spot checks, once labels are fetched.",
    )


def case_shown(case: Case, may_decide: bool) -> Markup:
    frame = case.frame
    head = Markup('<p class="wb-line">{} <span>{} · {} · {}</span></p>').format(
        badge(str(case.reason), _TONES.get(case.reason, "quiet")) if case.reason else "",
        frame.camera,
        time_of(frame.taken_at),
        short_id(frame.id),
    )
    picture = Markup(
        '<a href="/frames/{0}.jpg" target="_blank" rel="noopener"><img src="/frames/{0}.jpg" alt="the still to decide '
        'about"></a>'
    ).format(frame.id)
    answers = [_answer(number, said, may_decide) for number, said in enumerate(case.said, start=1)]
    return Markup('{}<div class="wb-review-case"><div>{}</div><div>{}{}{}</div></div>').format(
        head, picture, Markup("").join(answers), _guess(case), _decision(case)
    )


def _answer(number: int, said: Annotation, may_decide: bool) -> Markup:
    replies = Markup("").join(
        Markup("<small>{}: {}</small>").format(question, reply) for question, reply in said.replies.items()
    )
    boxes = Markup("<small>boxes: {}</small>").format(len(said.boxes)) if said.boxes else ""
    return Markup(
        '<section><header>{} <span>{}</span></header><p>{}</p>{}{}<button type="button" data-answer="{}" {}>'
        "Accept <kbd>{}</kbd></button></section>"
    ).format(
        badge(said.class_name),
        said.labeller,
        said.caption,
        replies,
        boxes,
        said.annotation_id,
        "" if may_decide else "disabled",
        number,
    )


def _guess(case: Case) -> Markup:
    if case.guess is None:
        return note("No model has guessed about it.")
    return Markup(
        '<section class="wb-guess"><header>{} <span>a model’s guess, {} sure · {}</span></header><p>{}</p></section>'
    ).format(badge(case.guess.class_name), f"{case.guess.score:.0%}", case.guess.model_version, case.guess.caption)


def _decision(case: Case) -> Markup:
    decision = case.decision
    if decision is None:
        return Markup("")
    answer = f": {decision.answer.class_name}, “{decision.answer.caption}”" if decision.answer else ""
    remark = f" ({decision.note})" if decision.note else ""
    return note(f"{decision.kind.capitalize()} by {decision.reviewer}{answer}{remark}", tone="warn")
