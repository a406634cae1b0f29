"""What files say about frames that labellers are asked about already: suggestions to complete, and answers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count, islice

from workbench.domain import Answer
from workbench.progress import Progress
from workbench.workflows.file_labels import FileLabels
from workbench.workflows.task_board import TaskBoard
from workbench.workflows.workspace import Workspace

__all__ = ["answer_at_once", "suggest", "wanted_suggestions"]

_ADDED_AT_ONCE = 2_500
_ACCEPTED_AT_ONCE = 2_500

Suggestions = Mapping[str, Mapping[str, Answer]]
"""By frame id, what is suggested by which source: a file may say several things about a frame."""


def wanted_suggestions(workspace: Workspace, board: TaskBoard, read: FileLabels, source: str) -> Suggestions:
    """Return what ``read`` leaves open of frames without an answer, and that they have not got from it already.

    Label Studio tells what they have got where this workspace does not remember it.
    """
    labels, site = workspace.store.labels, board.site.name
    answered = read.complete.keys() | {frame_id for frame_id, task in board.tasks.items() if task.answers}
    open_ = {frame_id: said for frame_id, said in read.open.items() if frame_id not in answered}
    new = {frame_id: said for frame_id, said in labels.without_imported(site, board.project_id, open_).items() if said}
    remembered = labels.with_imported(site, board.project_id)
    return {
        frame_id: _by_source(board, frame_id, said, source)
        for frame_id, said in new.items()
        if frame_id in remembered or source not in _sources(board, frame_id)
    }


def suggest(workspace: Workspace, board: TaskBoard, suggestions: Suggestions, progress: Progress) -> None:
    """Add ``suggestions`` to the frames' tasks, and let labellers start from the first source's until the next push."""
    for source in list(_add_all(workspace, board, suggestions, "suggestions added", progress))[:1]:
        board.studio.show_predictions_of(board.project_id, source)
        workspace.store.reactions.show(board.site.name, board.project_id, source)


def answer_at_once(
    workspace: Workspace, board: TaskBoard, answers: Mapping[str, Sequence[Answer]], source: str, progress: Progress
) -> None:
    """Give ``answers`` by frame id to the frames' tasks, as suggestions of ``source`` that are accepted at once.

    One that was cut off leaves suggestions behind, which it takes no second time for answers.
    """
    suggestions = {frame_id: _by_source(board, frame_id, said, source) for frame_id, said in answers.items()}
    for name, task_ids in _add_all(workspace, board, suggestions, "answers added", progress).items():
        for start in range(0, len(task_ids), _ACCEPTED_AT_ONCE):
            board.studio.accept_suggestions(board.project_id, task_ids[start : start + _ACCEPTED_AT_ONCE], name)


def _sources(board: TaskBoard, frame_id: str) -> frozenset[str]:
    """Return who has suggested something for the frame."""
    return board.tasks[frame_id].model_versions if frame_id in board.tasks else frozenset()


def _by_source(board: TaskBoard, frame_id: str, said: Sequence[Answer], source: str) -> dict[str, Answer]:
    """Return what is said by names that begin with ``source`` and have suggested nothing for the frame yet."""
    names = (source if number == 1 else f"{source} {number}" for number in count(1))
    taken = _sources(board, frame_id)
    return dict(zip((name for name in names if name not in taken), said, strict=False))


def _add_all(
    workspace: Workspace, board: TaskBoard, suggestions: Suggestions, what: str, progress: Progress
) -> dict[str, list[int]]:
    """Add ``suggestions`` and return the numbers of the tasks that got some, by source."""
    tasks = workspace.store.labels.tasks(board.site.name)
    by_source: defaultdict[str, dict[int, Answer]] = defaultdict(dict)
    for frame_id, said in suggestions.items():
        for source, answer in said.items():
            by_source[source][tasks[frame_id].task_id] = answer
    done, total = 0, sum(map(len, by_source.values()))
    for source, answers in by_source.items():
        rest = iter(answers.items())
        while chunk := dict(islice(rest, _ADDED_AT_ONCE)):
            board.add_once(chunk, source, partial(_add, board, source))
            done += len(chunk)
            progress(done, total, what)
    return {source: list(answers) for source, answers in by_source.items()}


def _add(board: TaskBoard, source: str, answers: Mapping[int, Answer]) -> None:
    board.studio.add_suggestions(board.project_id, answers, source)
