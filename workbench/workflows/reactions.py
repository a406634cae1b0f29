"""Find out with which model's suggestion each new answer began.

Label Studio says so where its page made the answer from a suggestion. Elsewhere (a draft that somebody came back to, an
empty page) it is concluded: the labeller saw the suggestion of the version that the project showed when work on the
answer began, if the task had it by then. Nothing is concluded of an answer that was there before every suggestion, nor
of one that a file brought.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workbench.domain import Annotation, Basis
from workbench.labeling.origins import Origin
from workbench.labeling.studio import Studio
from workbench.progress import Progress, silent
from workbench.store import ReadAnswer, ShownModel, Store
from workbench.workflows.workspace import Workspace

__all__ = ["read_reactions"]


def read_reactions(
    workspace: Workspace, site: str, studio: Studio, project_id: int, progress: Progress = silent
) -> set[str]:
    """Read where new answers came from, and all skips, and return the model versions that people reacted to anew.

    Raises LabelStudioError where Label Studio does not answer; what is unread stays so, and is read the next time.
    """
    store = workspace.store
    unread = store.labels.annotations(site, store.reactions.unread(site))
    if not unread:
        return set()
    asked = {task.task_id for task in store.labels.tasks(site, {answer.frame_id for answer in unread}).values()}
    clues = _Clues.of(store, site, studio, project_id, unread)
    origins = {one.annotation_id: one for one in studio.origins(project_id, asked, clues.programs, progress)}
    skips = studio.skips(project_id, clues.programs)
    frames = store.labels.frames_of(site, project_id, {skip.task_id for skip in skips})
    answers = [clues.read(answer, origins.get(answer.annotation_id)) for answer in unread]
    with store.transaction():
        store.reactions.put(site, answers)
        store.reactions.replace_skips(
            site, [clues.read_skip(skip, frames[skip.task_id]) for skip in skips if skip.task_id in frames]
        )
    return {answer.model_version for answer in answers if answer.model_version}


@dataclass(frozen=True)
class _Clues:
    """What a conclusion rests on; ``programs`` are accounts, and ``brought`` annotations, of no labeller."""

    shown: Sequence[ShownModel]
    programs: frozenset[int]
    brought: frozenset[int]

    @classmethod
    def of(cls, store: Store, site: str, studio: Studio, project_id: int, answers: Collection[Annotation]) -> "_Clues":
        own = studio.account()
        return cls(
            shown=store.reactions.shown(site, project_id),
            programs=frozenset(user_id for user_id, email in studio.users().items() if email == own),
            brought=_brought(store, site, project_id, answers),
        )

    def read(self, answer: Annotation, origin: Origin | None) -> ReadAnswer:
        version, basis = (None, Basis.NONE) if origin is None else self._beginning(origin)
        return ReadAnswer(answer.annotation_id, answer.frame_id, version, basis, False, answer.updated_at)

    def read_skip(self, skip: Origin, frame_id: str) -> ReadAnswer:
        version, basis = self._beginning(skip)
        return ReadAnswer(skip.annotation_id, frame_id, version, basis, True, skip.updated_at)

    def _beginning(self, origin: Origin) -> tuple[str | None, Basis]:
        if origin.parent:
            return origin.parent, Basis.PARENT
        there = sorted(
            (guess for guess in origin.guesses if guess.made_at <= origin.began_at), key=lambda one: one.made_at
        )
        if not there or origin.user_id in self.programs or origin.annotation_id in self.brought:
            return None, Basis.NONE
        shown = [model.model_version for model in self.shown if model.since <= origin.began_at]
        version = shown[-1] if shown else there[-1].model_version
        if all(guess.model_version != version for guess in there):
            return None, Basis.NONE
        return version, Basis.SHOWN


def _brought(store: Store, site: str, project_id: int, answers: Collection[Annotation]) -> frozenset[int]:
    """Return the numbers of those that say what a file said about their frame."""
    said = defaultdict(list)
    for answer in answers:
        said[answer.frame_id].append(answer.answer)
    own = store.labels.without_imported(site, project_id, said)
    return frozenset(one.annotation_id for one in answers if one.answer not in own[one.frame_id])
