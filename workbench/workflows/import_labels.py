"""Bring labels that exist already into Label Studio.

Answers with class and caption become annotations. What leaves one of them open becomes a suggestion, which a labeller
completes: an answer is ground truth only when it is whole.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.domain import Answer, Split, Taking, Taxonomy
from workbench.errors import UsageError
from workbench.progress import Progress, silent
from workbench.workflows.file_labels import LabelFile, read_file_labels, require_readable
from workbench.workflows.file_suggestions import answer_at_once, suggest, wanted_suggestions
from workbench.workflows.ingest import ingest
from workbench.workflows.pull_labels import pull
from workbench.workflows.task_board import TaskBoard
from workbench.workflows.workspace import Workspace

__all__ = ["ImportReport", "LabelFile", "PicturesOf", "import_labels"]

_EVERY_PICTURE_S = 0.001
"""Nearer in time than any two pictures of a folder."""


@dataclass(frozen=True)
class PicturesOf:
    """A folder of pictures that labels are about (a path or a URL), and the camera that took them."""

    folder: str
    camera: str


@dataclass(frozen=True)
class ImportReport:
    """``rows`` labels were read; ``already_there`` counts answers and suggestions that were not needed.

    ``left_out`` counts by kind what the file says and the site does not ask. ``pinned`` frames were not pinned to the
    split before.
    """

    rows: int
    annotations_created: int
    already_there: int
    suggestions_created: int = 0
    pictures_added: int = 0
    formats: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    pinned: int = 0


def import_labels(
    workspace: Workspace,
    file: LabelFile | Path,
    *,
    site: str,
    split: Split | None = None,
    pictures: PicturesOf | None = None,
    actor: str,
    progress: Progress = silent,
) -> ImportReport:
    """Bring a file's labels in, by the account of the workspace's token; ``pictures`` are taken in first.

    With ``split`` the frames are pinned to it. The file is checked whole, against what the site asks and the catalogue
    of frames, before anything is written to Label Studio; LabelFileError tells all that is wrong. An answer that a
    frame has already, from whomever, is not given again, nor one that was imported before and that people have changed
    or deleted since, and a frame with an answer gets no suggestion. What was written is pulled at once, so that a
    dataset built next has it.
    """
    file = LabelFile(file) if isinstance(file, Path) else file
    source = f"file:{file.path.name.replace(',', ' ')}"  # Label Studio lists such names with commas between them
    folders, pictures_added = _take_in(workspace, file, pictures, site, actor, progress) if pictures else ((), 0)
    read = read_file_labels(workspace, file, site=site, folders=folders, progress=progress)
    with TaskBoard.held(workspace, site, progress) as board:
        _require_same(workspace, site, read.taxonomy)
        answers = board.without_given(read.complete)
        suggestions = wanted_suggestions(workspace, board, read, source)
        asked = {frame_id: said for frame_id, said in answers.items() if frame_id in board.tasks}
        _ask(board, answers, suggestions, progress)
        answer_at_once(workspace, board, asked, source, progress)
        suggest(workspace, board, suggestions, progress)
    created, suggested = (sum(map(len, made.values())) for made in (answers, suggestions))
    before = workspace.store.labels.pins(site)
    pins = {frame_id: split for frame_id in read.answers if split is not None and before.get(frame_id) is not split}
    report = ImportReport(
        rows=read.labels,
        annotations_created=created,
        already_there=read.n_answers - created - suggested,
        suggestions_created=suggested,
        pictures_added=pictures_added,
        formats=read.formats,
        left_out=read.left_out,
        pinned=len(pins),
    )
    with workspace.store.transaction():
        workspace.store.labels.add_imported(site, board.project_id, read.answers)
        if created or suggested or report.pinned:
            detail = {
                "file": file.path.name,
                "annotations": created,
                "suggestions": suggested,
                "split": split,
                "pinned": report.pinned,
            }
            workspace.store.labels.pin(site, pins)
            workspace.store.audit.append(actor=actor, action="label.import", subject=site, detail=detail)
    pull(workspace, site, actor=actor, progress=progress)
    return report


def _require_same(workspace: Workspace, site: str, taxonomy: Taxonomy) -> None:
    """Raise UsageError when the site asks something else than while the file was read, so that its words may be old."""
    if workspace.store.sites.taxonomy(site) != taxonomy:
        raise UsageError(
            expected=f"the taxonomy of {site} to stay while labels are imported",
            found="that it was changed",
            remedy="run the command again; no label was written",
        )


def _take_in(
    workspace: Workspace, file: LabelFile, pictures: PicturesOf, site: str, actor: str, progress: Progress
) -> tuple[Collection[str], int]:
    """Take in every picture of the folder; return the names of its recordings and how many pictures are new."""
    require_readable(file)
    taken = ingest(
        workspace,
        pictures.folder,
        site=site,
        camera=pictures.camera,
        every_s=_EVERY_PICTURE_S,
        taking=Taking.KEYFRAMES,
        actor=actor,
        progress=progress,
    )
    return taken.clips, taken.frames_added


def _ask(board: TaskBoard, answers: Mapping[str, Sequence[Answer]], others: Iterable[str], progress: Progress) -> None:
    """Make a task of each frame that has none, with its ``answers``, if any."""
    wanted: dict[str, Sequence[Answer]] = {**dict.fromkeys(others, ()), **answers}
    new = {frame_id: said for frame_id, said in wanted.items() if frame_id not in board.tasks}
    board.create(new, dict.fromkeys(new, "imported"), None, progress)
