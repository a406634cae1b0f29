"""A reviewer decides about labellers' answers: accepts one, fixes them, or sends the frame back.

A decision is one row that is never changed, with its audit event; the newest about a frame is in force and wins in
datasets, whatever labellers change later. Roles are read from the store and enforced here, so that no face can forget
them, and nobody decides about an answer of his own.
"""

from workbench.domain import Annotation, Answer, Decision, DecisionKind, Role, User, utc_now
from workbench.errors import AccessError, LabelStudioError, NotFoundError, UsageError
from workbench.store import Store
from workbench.workflows.answers import is_by
from workbench.workflows.handing_out import note_of
from workbench.workflows.review_queue import Case, Seen, case_about
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["accept_answer", "fix_answer", "require_answer", "require_reviewer", "send_back"]


def accept_answer(
    workspace: Workspace,
    *,
    site: str,
    frame_id: str,
    annotation_id: int,
    actor: User,
    note: str = "",
    seen: Seen | None = None,
) -> Decision:
    """Make one labeller's answer the frame's; of ``seen``, refuse when labellers have changed anything since.

    Raises:
        AccessError: Not a reviewer, or one who answered the frame himself.
        NotFoundError: No such answer.
        UsageError: Answers changed meanwhile, or the frame is a gold task.
    """
    reviewer, case = _opened(workspace, site, frame_id, actor, seen)
    chosen = _answer_of(case, annotation_id)
    decision = _decision(case, DecisionKind.ACCEPTED, chosen.answer, reviewer, note)
    _record(workspace, site, decision, "answer.accept", labeller=chosen.labeller)
    return decision


def fix_answer(
    workspace: Workspace,
    *,
    site: str,
    frame_id: str,
    class_name: str,
    caption: str,
    actor: User,
    note: str = "",
    based_on: int | None = None,
    seen: Seen | None = None,
) -> Decision:
    """Give the frame the reviewer's own class and caption; replies and boxes are those of annotation ``based_on``.

    Without ``based_on`` they are those of the newest answer. Raises as :func:`accept_answer` does, and UsageError for a
    class that the site has not or an empty caption.
    """
    reviewer, case = _opened(workspace, site, frame_id, actor, seen)
    base = case.said[-1] if based_on is None else _answer_of(case, based_on)
    answer = require_answer(workspace.store, site, class_name, caption, base.answer)
    decision = _decision(case, DecisionKind.FIXED, answer, reviewer, note)
    _record(workspace, site, decision, "answer.fix")
    return decision


def send_back(
    workspace: Workspace, *, site: str, frame_id: str, note: str, actor: User, seen: Seen | None = None
) -> Decision:
    """Have the frame answered again: Label Studio shows ``note`` with its task and offers it to everybody anew.

    Its answers count no longer; they are deleted in Label Studio and kept with the decision. Label Studio comes first,
    so that nothing is written down that labellers were never told. Raises as :func:`accept_answer` does, and
    LabelStudioError.
    """
    reviewer, case = _opened(workspace, site, frame_id, actor, seen)
    if not note.strip():
        raise UsageError(
            expected="a note that tells labellers what to look at again", found="none", remedy="write one sentence"
        )
    decision = _decision(case, DecisionKind.SENT_BACK, None, reviewer, note)
    task = workspace.store.labels.tasks(site, [frame_id]).get(frame_id)
    if task is None:
        raise LabelStudioError(
            expected=f"a task that asks about frame {frame_id[:12]}",
            found="none",
            remedy="run `workbench label push`, which makes one",
        )
    every = {one.annotation_id for one in workspace.store.reviews.brief_answers(site, frame_id)}
    unwanted = {one.annotation_id: one.updated_at for one in workspace.store.labels.annotations(site, every)}
    open_studio(workspace).hand_out_again(task.task_id, note_of(decision), unwanted)
    with workspace.store.transaction():
        workspace.store.labels.change_annotations(site, (), unwanted)
        _record(workspace, site, decision, "answer.send-back")
    return decision


def require_answer(store: Store, site: str, class_name: str, caption: str, base: Answer | None = None) -> Answer:
    """Return the answer that people typed in, with the replies and boxes of ``base``; UsageError when it is none."""
    class_names = store.sites.get(site).class_names
    if class_name not in class_names or not caption.strip():
        raise UsageError(
            expected=f"one of the classes {', '.join(class_names)} and a caption",
            found=f"{class_name or 'no class'!r} and {'a' if caption.strip() else 'no'} caption",
            remedy="correct the answer",
        )
    return Answer(class_name, caption.strip(), base.replies if base else {}, base.boxes if base else ())


def require_reviewer(store: Store, actor: User) -> User:
    """Return the user as the store knows him now; AccessError unless he is a reviewer."""
    user = store.users.get(actor.name)
    if Role.REVIEWER not in user.roles:
        raise AccessError(
            expected="a user with the role reviewer",
            found=f"{user.name} with {', '.join(sorted(user.roles))}",
            remedy="ask someone who has it",
        )
    return user


def _opened(workspace: Workspace, site: str, frame_id: str, actor: User, seen: Seen | None) -> tuple[User, Case]:
    """Return who decides and what about, when that is allowed and still as it was ``seen``."""
    store = workspace.store
    reviewer = require_reviewer(store, actor)
    if frame_id in store.gold.all(site):
        raise UsageError(
            expected="a frame whose answer is not known yet",
            found=f"the gold task {frame_id[:12]}",
            remedy="take it out of the gold tasks first",
        )
    case = case_about(store, site, frame_id)
    own = [one.labeller for one in case.said if is_by(store, reviewer, one.labeller)]
    if own:
        raise AccessError(
            expected=f"a reviewer who did not answer frame {frame_id[:12]} himself",
            found=f"{reviewer.name}, who is {own[0]} in Label Studio",
            remedy="ask another reviewer",
        )
    if seen is not None and seen != case.seen:
        raise UsageError(
            expected="the answers that were looked at",
            found="that labellers have changed them since",
            remedy="look at them again and decide then",
        )
    return reviewer, case


def _answer_of(case: Case, annotation_id: int) -> Annotation:
    for annotation in case.said:
        if annotation.annotation_id == annotation_id:
            return annotation
    told = ", ".join(f"{one.annotation_id} ({one.labeller})" for one in case.said)
    raise NotFoundError(
        expected=f"an answer to frame {case.frame.id[:12]} that counts",
        found=f"answer {annotation_id}",
        remedy=f"choose one of {told}",
    )


def _decision(case: Case, kind: DecisionKind, answer: Answer | None, reviewer: User, note: str) -> Decision:
    return Decision(case.frame.id, kind, answer, case.said, reviewer.name, utc_now(), note.strip())


def _record(workspace: Workspace, site: str, decision: Decision, action: str, **more: str) -> None:
    detail = {
        "frame_id": decision.frame_id,
        "class": decision.answer.class_name if decision.answer else "",
        "said": {one.labeller: one.class_name for one in decision.said},
        "note": decision.note,
        **more,
    }
    with workspace.store.transaction():
        workspace.store.reviews.add(site, decision)
        workspace.store.audit.append(actor=decision.reviewer, action=action, subject=site, detail=detail)
