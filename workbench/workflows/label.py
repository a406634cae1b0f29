"""Ask people about frames in Label Studio and fetch what they said.

Label Studio is compared with, never assumed: every verb first reads which frames have a task there, so that a run
that was cut off is completed by running it again, and running it twice adds nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.domain import Annotation, Answer, Split
from workbench.errors import LabelFileError
from workbench.labeling.labels_csv import LabelRow, read_labels
from workbench.progress import Progress, silent
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.task_board import TaskBoard, by_current_frame, open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["ImportReport", "PullReport", "PushReport", "import_labels", "pull", "push"]

_PROBLEMS_TOLD = 10


@dataclass(frozen=True)
class PushReport:
    """``created`` tasks are new, ``renewed`` ones got image URLs that last, ``prelabelled`` ones a model's guess."""

    project_id: int
    project_url: str
    created: int
    renewed: int
    prelabelled: int


@dataclass(frozen=True)
class ImportReport:
    rows: int
    annotations_created: int
    already_there: int


@dataclass(frozen=True)
class PullReport:
    """``annotations`` were found in Label Studio; ``incomplete`` answers lack class or caption and were left there."""

    annotations: int
    added: int
    changed: int
    removed: int
    incomplete: int


def push(
    workspace: Workspace,
    site: str,
    *,
    actor: str,
    limit: int | None = None,
    prelabel: bool = True,
    progress: Progress = silent,
) -> PushReport:
    """Make a task of every frame of ``site`` that has none (at most ``limit``), with the current model's guess.

    Tasks that nobody has answered yet get the current model's guess as well, and image URLs that expire soon are
    renewed.
    """
    with TaskBoard.held(workspace, site, progress) as board:
        guesser = PreLabeller(workspace, board.site) if prelabel else None
        missing = workspace.store.footage.unasked(site, limit=limit)
        board.create(dict.fromkeys(missing, ()), "pushed", guesser, progress)
        guessed = board.guess_unanswered(guesser, progress) if guesser else 0
        if guesser and (missing or guessed):
            board.studio.show_predictions_of(board.project_id, guesser.model_version)
        renewed = board.renew_image_urls(progress)
    report = PushReport(
        project_id=board.project_id,
        project_url=board.studio.project_url(board.project_id),
        created=len(missing),
        renewed=renewed,
        prelabelled=guessed + (len(missing) if guesser else 0),
    )
    if missing or guessed or renewed:
        detail = {"created": report.created, "renewed": renewed, "prelabelled": report.prelabelled}
        workspace.store.audit.append(actor=actor, action="label.push", subject=site, detail=detail)
    return report


def import_labels(
    workspace: Workspace,
    csv_path: Path,
    *,
    site: str,
    split: Split | None = None,
    actor: str,
    progress: Progress = silent,
) -> ImportReport:
    """Make annotations, by the account of the workspace's token, of the rows of a labels file.

    With ``split`` the frames are pinned to it. The file is checked whole, against the site's classes and the catalogue
    of frames, before anything is written; LabelFileError tells all that is wrong. An answer that a frame has already,
    from whomever, is not given again, nor one that was imported before and that people have changed or deleted since.
    """
    rows = read_labels(csv_path, class_names=workspace.store.sites.get(site).class_names)
    answers = _answers_by_frame(workspace, site, csv_path, rows)
    with TaskBoard.held(workspace, site, progress) as board:
        new = board.without_given(answers)
        asked = {frame_id: said for frame_id, said in new.items() if frame_id in board.tasks}
        board.create(
            {frame_id: said for frame_id, said in new.items() if frame_id not in asked}, "imported", None, progress
        )
        board.answer(asked, progress)
    created = sum(len(said) for said in new.values())
    with workspace.store.transaction():
        workspace.store.labels.add_imported(site, board.project_id, answers)
        if split is not None:
            workspace.store.labels.pin(site, dict.fromkeys(answers, split))
        if created:
            detail = {"file": csv_path.name, "annotations": created, "split": split}
            workspace.store.audit.append(actor=actor, action="label.import", subject=site, detail=detail)
    return ImportReport(rows=len(rows), annotations_created=created, already_there=len(rows) - created)


def pull(workspace: Workspace, site: str, *, actor: str, progress: Progress = silent) -> PullReport:
    """Make what people said in Label Studio about the frames of ``site`` the store's annotations."""
    labels = workspace.store.labels
    known_site = workspace.store.sites.get(site)
    studio = open_studio(workspace)
    project_id = studio.require_project(known_site, labels.project(site))
    answered = studio.tasks(project_id, only_annotated=True, progress=progress)
    tasks = by_current_frame(workspace, site, answered).values()
    found = {annotation.annotation_id: annotation for task in tasks for annotation in task.annotations}
    before = {annotation.annotation_id: annotation for annotation in labels.annotations(site)}
    report = PullReport(
        annotations=len(found),
        added=len(found.keys() - before.keys()),
        changed=sum(found[number] != before[number] for number in found.keys() & before.keys()),
        removed=len(before.keys() - found.keys()),
        incomplete=sum(task.incomplete for task in tasks),
    )
    if found != before:
        _replace_annotations(workspace, site, list(found.values()), report, actor)
    return report


def _answers_by_frame(
    workspace: Workspace, site: str, csv_path: Path, rows: Iterable[LabelRow]
) -> dict[str, list[Answer]]:
    """Return what the rows say by frame id; the same bytes seen at two instants are one frame."""
    answers: dict[str, list[Answer]] = defaultdict(list)
    absent: list[LabelRow] = []
    for row in rows:
        frame = workspace.store.footage.frame_at(site, row.video, row.time_s)
        if frame is None:
            absent.append(row)
        elif row.answer not in answers[frame.id]:
            answers[frame.id].append(row.answer)
    if absent:
        raise _not_ingested(site, csv_path, absent)
    return answers


def _not_ingested(site: str, csv_path: Path, absent: Sequence[LabelRow]) -> LabelFileError:
    told = ", ".join(f"{row.video} at {row.time_s:g} s (line {row.line})" for row in absent[:_PROBLEMS_TOLD])
    more = f" and {len(absent) - _PROBLEMS_TOLD} more" if len(absent) > _PROBLEMS_TOLD else ""
    return LabelFileError(
        expected=f"a stored frame of site {site} for every line of {csv_path.name}",
        found=f"none for {told}{more}",
        remedy=f"run `workbench ingest VIDEO --site {site} --camera CAMERA --at {csv_path.name}` for each video first",
    )


def _replace_annotations(
    workspace: Workspace, site: str, annotations: Sequence[Annotation], report: PullReport, actor: str
) -> None:
    detail = {"added": report.added, "changed": report.changed, "removed": report.removed}
    with workspace.store.transaction():
        workspace.store.labels.replace_annotations(site, annotations)
        workspace.store.audit.append(actor=actor, action="label.pull", subject=site, detail=detail)
