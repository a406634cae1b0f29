"""What becomes of one taxonomy when it is replaced by another, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workbench.domain import LabelClass, Question, Taxonomy
from workbench.labeling.renames import QUESTION, Renames, name_of
from workbench.labeling.taxonomy import BOXES, CLASS, Vocabulary, taxonomy_to_vocabulary

__all__ = ["changes_between", "lost_labels", "widened"]


def changes_between(old: Taxonomy, new: Taxonomy, renames: Renames) -> tuple[str, ...]:
    """Return a phrase for each thing that is added, removed, renamed or said in other words."""
    return (
        *(f"{name_of(one.label)} renamed {one.new}" for one in renames.each),
        *_changed_names(CLASS, old.class_names, new.class_names, renames),
        *_changed_classes(old, new, renames),
        *(["caption guide changed"] if old.caption_guide != new.caption_guide else []),
        *_changed_names(QUESTION, [one.name for one in old.questions], [one.name for one in new.questions], renames),
        *_changed_questions(old, new, renames),
        *_changed_names(BOXES, old.boxes, new.boxes, renames),
        *(["classes of the timeline changed"] if _timeline(old, renames) != list(new.timeline) else []),
        *(["words for objects changed"] if old.objects != new.objects else []),
    )


def lost_labels(before: Vocabulary, new: Taxonomy, renames: Renames) -> Vocabulary:
    """Return what can be answered ``before`` and neither under ``new`` nor, renamed, by another name."""
    after = taxonomy_to_vocabulary(new)
    return frozenset(label for label in before if renames.label(*label) not in after)


def widened(new: Taxonomy, old: Taxonomy, renames: Renames) -> Taxonomy:
    """Return ``new`` with what is renamed under its ``old`` name as well, for as long as answers follow."""
    classes = [LabelClass(name) for name in _olds(CLASS, new.class_names, renames)]
    questions = [_with_old_options(question, renames) for question in new.questions]
    before = {question.name: question for question in old.questions}
    for one in renames.each:
        if one.control == QUESTION and one.old not in {question.name for question in questions}:
            known = next(question for question in new.questions if question.name == one.new)
            questions.append(_with_old_options(before.get(one.old, replace(known, name=one.old)), renames))
    return replace(
        new,
        classes=(*new.classes, *classes),
        questions=tuple(questions),
        boxes=(*new.boxes, *_olds(BOXES, new.boxes, renames)),
        timeline=(*new.timeline, *(one.name for one in classes if renames.label(CLASS, one.name)[1] in new.timeline)),
    )


def _with_old_options(question: Question, renames: Renames) -> Question:
    return replace(question, options=(*question.options, *_olds(question.name, question.options, renames)))


def _olds(control: str, news: Sequence[str], renames: Renames) -> list[str]:
    return [one.old for one in renames.each if one.control == control and one.old not in news]


def _changed_names(control: str, old: Sequence[str], new: Sequence[str], renames: Renames) -> Iterator[str]:
    renamed = {one.old: one.new for one in renames.each if one.control == control}
    kept = [renamed.get(name, name) for name in old]
    yield from (f"{name_of((control, name))} added" for name in new if name not in kept)
    yield from (f"{name_of((control, name))} removed" for name in old if renamed.get(name, name) not in new)
    if [name for name in kept if name in new] != [name for name in new if name in kept]:
        yield f"{'class' if control == CLASS else control} order changed"


def _changed_classes(old: Taxonomy, new: Taxonomy, renames: Renames) -> Iterator[str]:
    before = {renames.label(CLASS, one.name)[1]: one for one in old.classes}
    for one in new.classes:
        known = before.get(one.name, one)
        if one.definition != known.definition:
            yield f"definition of {one.name} changed"
        if one.hotkey != known.hotkey:
            yield f"hotkey of {one.name} changed"


def _changed_questions(old: Taxonomy, new: Taxonomy, renames: Renames) -> Iterator[str]:
    before = {renames.control(question.name): question for question in old.questions}
    for question in new.questions:
        known = before.get(question.name, question)
        if question.text != known.text:
            yield f"question {question.name} worded anew"
        renamed = [renames.label(known.name, option)[1] for option in known.options]
        yield from (f"{name_of((question.name, one))} added" for one in question.options if one not in renamed)
        yield from (f"{name_of((question.name, one))} removed" for one in renamed if one not in question.options)


def _timeline(old: Taxonomy, renames: Renames) -> list[str]:
    return [renames.label(CLASS, name)[1] for name in old.timeline]
