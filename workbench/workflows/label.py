"""Ask people about frames in Label Studio, and fetch what they said.

Label Studio is compared with, never assumed: every verb first reads which frames have a task there, so that a run
that was cut off is completed by running it again, and running it twice adds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.progress import Progress, silent
from workbench.workflows.connect import ConnectReport, offer_suggestions
from workbench.workflows.handing_out import hand_out, needs_handing_out
from workbench.workflows.hooks import ensure_webhook
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.pull_labels import PullReport, pull
from workbench.workflows.task_board import TaskBoard
from workbench.workflows.workspace import Workspace

__all__ = ["PullReport", "PushReport", "pull", "push"]


@dataclass(frozen=True)
class PushReport:
    """``created`` tasks are new, ``renewed`` ones got image URLs that last, ``prelabelled`` ones a model's guess.

    ``twins_removed`` were second tasks about a frame, which nobody had touched. Where it ``has_webhook``, Label Studio
    tells of answers at once; elsewhere they are found by looking. ``suggestions`` tells whether it asks for a
    suggestion when somebody opens a task; None where none are wanted. ``interface_restored`` tells that somebody had
    changed the labelling interface by hand.
    """

    project_id: int
    project_url: str
    created: int
    renewed: int
    prelabelled: int
    twins_removed: int
    has_webhook: bool
    suggestions: ConnectReport | None = None
    interface_restored: bool = False


def push(
    workspace: Workspace,
    site: str,
    *,
    actor: str,
    limit: int | None = None,
    chosen: Mapping[str, str] | None = None,
    prelabel: bool = True,
    progress: Progress = silent,
) -> PushReport:
    """Make a task of every frame of ``site`` that has none (at most ``limit``), with the current model's guess.

    Of frames ``chosen``, by id with the reason, those alone get a task, in that order.
    Tasks that nobody has answered yet get the current model's guess as well, image URLs that expire soon are renewed,
    and tasks go to as many labellers as somebody said.
    """
    with TaskBoard.held(workspace, site, progress) as board:
        guesser = PreLabeller(workspace, board.site) if prelabel else None
        if chosen is None:
            reasons = dict.fromkeys(workspace.store.footage.unasked(site, limit=limit), "pushed")
        else:
            reasons = {frame_id: reason for frame_id, reason in chosen.items() if frame_id not in board.tasks}
        missing = list(reasons)
        board.create(dict.fromkeys(missing, ()), reasons, guesser, progress)
        guessed = board.guess_unanswered(guesser, progress) if guesser else 0
        suggestions = None
        if guesser and (missing or any(not task.annotations for task in board.tasks.values())):
            are_new = bool(missing or guessed)
            suggestions = offer_suggestions(workspace, board, guesser.model_version, are_new=are_new)
        renewed = board.renew_image_urls(progress)
        if needs_handing_out(workspace.store, site):
            hand_out(workspace, site, progress)
        has_webhook = ensure_webhook(workspace, board.studio, board.project_id)
    report = PushReport(
        project_id=board.project_id,
        project_url=board.studio.project_url(board.project_id),
        created=len(missing),
        renewed=renewed,
        prelabelled=guessed + (len(missing) if guesser else 0),
        twins_removed=board.twins_removed,
        has_webhook=has_webhook,
        suggestions=suggestions,
        interface_restored=board.interface_restored,
    )
    counted = ("created", "renewed", "prelabelled", "twins_removed", "interface_restored")
    done = {name: getattr(report, name) for name in counted}
    if any(done.values()):
        workspace.store.audit.append(actor=actor, action="label.push", subject=site, detail=done)
    return report
