"""What labellers of a site are asked, and changing it while answers are there.

A change that takes a label away is refused while the label is in use, before anything is written. A renamed label is
asked for under both names at first, in the store and in Label Studio, while the answers follow; then the old name goes.
Whatever state a change is cut off in is a taxonomy like any other, and making the same change again completes it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workbench.domain import Taxonomy
from workbench.errors import UsageError
from workbench.labeling.projects import SiteProject
from workbench.labeling.renames import QUESTION, Rename, Renames, name_of
from workbench.labeling.results import labels_of_answer
from workbench.labeling.studio import Studio
from workbench.labeling.taxonomy import CLASS, Vocabulary, taxonomy_to_label_config, taxonomy_to_vocabulary
from workbench.labeling.taxonomy_changes import changes_between, lost_labels, widened
from workbench.labeling.taxonomy_file import yaml_to_taxonomy
from workbench.labeling.uses import Uses
from workbench.progress import Progress, silent
from workbench.workflows.kept_text import keep_text
from workbench.workflows.rename_stored import rename_stored
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["TaxonomyPlan", "keep_typed", "plan_taxonomy", "set_taxonomy", "unanswered_questions"]

_ANSWER = "answer"


@dataclass(frozen=True)
class TaxonomyPlan:
    """What a new taxonomy changes, in words; what speaks against it (``in_use``), and what else is to be known.

    ``answers`` have a label that is renamed, and follow. ``changed_by_hand`` tells that somebody edited the labelling
    interface in Label Studio, which is put right.
    """

    site: str
    changes: tuple[str, ...]
    in_use: tuple[str, ...]
    notes: tuple[str, ...]
    answers: int
    changed_by_hand: bool

    @property
    def does_something(self) -> bool:
        return bool(self.changes) or self.changed_by_hand


def plan_taxonomy(workspace: Workspace, site: str, taxonomy: Taxonomy, renames: Sequence[str] = ()) -> TaxonomyPlan:
    """Return what :func:`set_taxonomy` would do; nothing is written."""
    return _Change(workspace, site, taxonomy, _parsed(renames)).plan


def set_taxonomy(
    workspace: Workspace,
    site: str,
    taxonomy: Taxonomy,
    renames: Sequence[str] = (),
    *,
    actor: str,
    progress: Progress = silent,
) -> TaxonomyPlan:
    """Make ``taxonomy`` what is asked at ``site``, in the store and in Label Studio, and return what that did.

    ``renames`` such as ``truck=lorry`` say which old labels live on under which new names. The same call again changes
    nothing.

    Raises:
        UsageError: A label that would be gone is in use, a rename names what is not there, or two names are alike.
        LabelStudioError: The site has a project, and Label Studio does not answer.
    """
    workspace.store.sites.get(site)
    with workspace.turn("label", site), workspace.turn("pull", site):  # no pull brings old words back
        change = _Change(workspace, site, taxonomy, _parsed(renames))
        change.require_possible()
        if change.plan.does_something:
            change.make(actor, progress)
        return change.plan


def unanswered_questions(workspace: Workspace, site: str) -> dict[str, int]:
    """Return how many of the answers that were fetched leave each question open, because it came later or by choice."""
    questions = workspace.store.sites.taxonomy(site).questions
    annotations = workspace.store.labels.annotations(site) if questions else []
    return {one.name: sum(one.name not in said.replies for said in annotations) for one in questions}


def keep_typed(workspace: Workspace, site: str, text: str) -> Path:
    """Keep a taxonomy that was typed under ``data/taxonomies`` for whoever sets it, and return its path.

    Raises:
        UsageError: It has problems.
        NotFoundError: An unknown site.
        StorageError: It cannot be written.
    """
    yaml_to_taxonomy(text)
    known, digest = workspace.store.sites.get(site), hashlib.sha256(text.encode()).hexdigest()
    return keep_text(workspace.settings.data_dir / "taxonomies" / f"{known.name}-{digest[:12]}.yaml", text)


class _Change:
    """One taxonomy instead of another at one site, compared with the store and with Label Studio as they are."""

    def __init__(self, workspace: Workspace, site: str, new: Taxonomy, renames: Renames) -> None:
        self._workspace, self._new = workspace, new
        self._site = workspace.store.sites.get(site)
        self._old = workspace.store.sites.taxonomy(site)
        self._renames = renames
        self._renames = self._known(renames)
        new.require_told_apart()

    @cached_property
    def plan(self) -> TaxonomyPlan:
        changes = changes_between(self._old, self._new, self._renames)
        outdated = self._project is not None and self._project.label_config != taxonomy_to_label_config(self._new)
        if outdated and not changes:
            changes = ("labelling interface brought up to date",)
        return TaxonomyPlan(
            site=self._site.name,
            changes=changes,
            in_use=(*self._uses.told(self._lost), *self._marks_lost()),
            notes=tuple(self._notes()),
            answers=sum(self._answers(one) for one in self._renames.each),
            changed_by_hand=self._project is not None and not self._project.is_as_written,
        )

    def require_possible(self) -> None:
        if not self.plan.in_use:
            return
        url = f" at {self._studio.project_url(self._project.project_id)}/data" if self._project else ""
        raise UsageError(
            expected=f"a taxonomy of {self._site.name} with every label that is in use",
            found="; ".join(self.plan.in_use),
            remedy=f"rename them (`--rename OLD=NEW`), or give those frames other answers first{url}, where the filter "
            "“Annotation results contains …” finds them, and fetch the labels; nothing was changed",
        )

    def make(self, actor: str, progress: Progress) -> None:
        store, name = self._workspace.store, self._site.name
        if self._renames:
            self._let_answers_follow(actor, progress)
        answered = self._studio.answered(self._project.project_id) if self._renames and self._project else []
        detail: dict[str, object] = {"changes": list(self.plan.changes), "answers_renamed": self.plan.answers}
        if self.plan.changed_by_hand:
            detail["interface"] = "restored after a change by hand"
        with store.transaction():
            rename_stored(self._workspace, name, self._renames, answered)
            store.sites.set_taxonomy(name, self._new)
            store.audit.append(actor=actor, action="taxonomy.set", subject=name, detail=detail)
        self._set_interface(self._new)

    def _let_answers_follow(self, actor: str, progress: Progress) -> None:
        """Ask for everything under its old and its new name, and rename what was said in Label Studio."""
        store, wide = self._workspace.store, widened(self._new, self._old, self._renames)
        detail = {"changes": [f"{name_of(one.label)} is being renamed {one.new}" for one in self._renames.each]}
        with store.transaction():
            store.sites.set_taxonomy(self._site.name, wide)
            store.audit.append(actor=actor, action="taxonomy.rename", subject=self._site.name, detail=detail)
        self._set_interface(wide)
        if self._project is not None:
            self._studio.rename(self._project.project_id, self._renames, progress)
        if self._timelines is not None:
            self._studio.rename(self._timelines, self._renames, progress)

    def _set_interface(self, taxonomy: Taxonomy) -> None:
        if project := self._find_project():
            self._studio.set_interface(project, taxonomy)
        if self._timelines is not None and taxonomy.timeline:
            self._studio.set_timeline_interface(self._timelines, taxonomy)

    def _known(self, renames: Renames) -> Renames:
        """Return those of the renames that have something to rename, be it an answer in the old words that came late.

        Raises UsageError for one to what the new taxonomy does not have, and for one of what was never there; where the
        new taxonomy is in force already, such a one has been made before.
        """
        known = _with_questions(self._before)
        if any(one.label not in known for one in renames.each):
            known |= _with_questions(self._uses.labels)
        wanted = taxonomy_to_vocabulary(self._new) | {(QUESTION, question.name) for question in self._new.questions}
        for one in renames.each:
            after = (renames.control(one.control), one.new)
            if one.label in wanted:
                raise _unusable(one, f"{name_of(one.label)} to be gone from the new taxonomy", "it there")
            if after not in wanted:
                raise _unusable(one, f"{name_of(after)} in the new taxonomy", "none")
            if one.label not in known and self._old != self._new:
                there = ", ".join(sorted(name for control, name in known if control == one.control)) or "none"
                raise _unusable(one, f"{name_of(one.label)} at site {self._site.name}", there)
        return Renames(tuple(one for one in renames.each if one.label in known))

    @cached_property
    def _studio(self) -> Studio:
        return open_studio(self._workspace)

    @cached_property
    def _project(self) -> SiteProject | None:
        return self._find_project()

    def _find_project(self) -> SiteProject | None:
        """Return the project as it is now; None for a site about which nobody was asked yet."""
        known = self._workspace.store.labels.project(self._site.name)
        return None if known is None else self._studio.find_project(self._site, known)

    @cached_property
    def _timelines(self) -> int | None:
        """The number of the project in which stretches of clips are marked, where there is one."""
        was_asked = bool(self._workspace.store.clip_parts.all(self._site.name))
        return self._studio.find_timelines(self._site) if was_asked else None

    @cached_property
    def _before(self) -> Vocabulary:
        """What could be answered until now, by the store's word or in Label Studio."""
        return taxonomy_to_vocabulary(self._old) | (self._project.vocabulary if self._project else frozenset())

    @cached_property
    def _lost(self) -> Vocabulary:
        return lost_labels(self._before, self._new, self._renames)

    @cached_property
    def _uses(self) -> Uses:
        """How often labels are in use; answers are counted in Label Studio, and those fetched where it has none."""
        if not self._lost and not self._renames:
            return Uses()
        if self._project is None:
            return self._marked + self._stored_uses(_ANSWER, but=Uses())
        asked = self._studio.uses(self._project.project_id)
        return asked + self._marked + self._stored_uses("fetched answer", but=asked)

    @cached_property
    def _marked(self) -> Uses:
        return Uses() if self._timelines is None else self._studio.uses(self._timelines, "marked clip")

    def _marks_lost(self) -> list[str]:
        """Return what is marked in classes that stay, but not on the timeline, where that is shown further on."""
        new = {name: self._renames.label(CLASS, name)[1] for name in self._old.timeline}
        lost = {(CLASS, name) for name in new if new[name] in {*self._new.class_names} - {*self._new.timeline}}
        return self._marked.told(lost) if lost and self._new.timeline else []

    def _stored_uses(self, answer: str, *, but: Uses) -> Uses:
        """Return the labels of answers that were fetched, ``but`` for those, of known answers and of decisions."""
        uses, store, site = Uses(), self._workspace.store, self._site.name
        counted = but.labels
        for annotation in store.labels.annotations(site):
            uses.count(answer, labels_of_answer(annotation.answer) - counted)
        for gold in store.gold.all(site).values():
            uses.count("known answer", labels_of_answer(gold.answer))
        for decision in store.reviews.in_force(site).values():
            uses.count("decision", labels_of_answer(decision.answer) if decision.answer else ())
        return uses

    def _answers(self, rename: Rename) -> int:
        """Return how many answers a rename of a label changes; for a question's name those that reply to it."""
        labels = {rename.label}
        if rename.control == QUESTION:
            labels = {label for label in self._before if label[0] == rename.old}
        return sum(self._uses.of(label).get(_ANSWER, 0) for label in labels)

    def _notes(self) -> Iterator[str]:
        store, site = self._workspace.store, self._site.name
        if self._old.class_names != self._new.class_names and (version := store.promotions.champion(site)):
            yield (
                f"the champion (version {version}) was tuned for the classes as they were, in their order: until one "
                "for the new ones is approved, labels are asked for without suggestions (`label push --no-prelabel`)"
            )
        answers = store.labels.count_annotations(site)
        for question in self._new.questions:
            if answers and question.name not in {self._renames.control(one.name) for one in self._old.questions}:
                yield f"{answers} answers leave question {question.name} open; they stay complete"


def _parsed(renames: Sequence[str]) -> Renames:
    return Renames(tuple(map(Rename.parse, renames)))


def _with_questions(labels: Vocabulary) -> Vocabulary:
    return labels | {(QUESTION, control) for control, _ in labels}


def _unusable(rename: Rename, expected: str, found: str) -> UsageError:
    return UsageError(
        expected=f"{expected}, to rename {rename.old} to {rename.new}",
        found=found,
        remedy="correct the rename or the taxonomy",
    )
