"""What labellers of a site are asked, for everybody to read; and a change of it, seen beforehand, for the engineer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import CaptionGuide, LabelClass, Question, Role, Taxonomy
from workbench.errors import UsageError
from workbench.labeling.hotkeys import assigned_hotkeys
from workbench.labeling.taxonomy_file import taxonomy_to_yaml, yaml_to_taxonomy
from workbench.ui.fragments import badge, no_site, note
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.taxonomy import TaxonomyPlan, keep_typed, plan_taxonomy, unanswered_questions
from workbench.workflows.workspace import Workspace

__all__ = ["TaxonomyCard"]

_EXPLAINED = (
    "What is added or said in other words is asked for at once. A label that answers use is never taken away: rename "
    "it, and they follow."
)


class TaxonomyCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("What labellers are asked"):
            asked = gr.HTML()
        with card("Change what is asked", Role.ENGINEER):
            gr.HTML(note(_EXPLAINED))
            text = gr.Code(label="Taxonomy", language="yaml", lines=12, max_lines=24, wrap_lines=True, interactive=True)
            file = gr.File(
                label="…or a taxonomy file", file_types=[".yaml", ".yml"], height=110, elem_classes="wb-upload"
            )
            renames = gr.Textbox(label="Renamed labels, one a line", lines=2, placeholder="truck=lorry")
            with gr.Row():
                check = gr.Button("See what would change")
                apply = gr.Button("Apply", variant="primary")
            plan, seen = gr.HTML(), gr.State(None)
            self.jobs = JobPanel(workspace, site, {"taxonomy-set": "Changing what is asked"})
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [asked, text, renames, plan, seen, *self.jobs.outputs])
        chosen = [site, text, renames]
        quietly: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "undocumented"}
        file.upload(desk.take_file, file, [text, file], api_name="look_taxonomy_file", **quietly)
        check.click(desk.plan, chosen, [plan, seen], api_name="look_taxonomy_plan", **quietly)
        when_clicked(apply, desk.set_taxonomy, [*chosen, seen], clears=[plan, seen], then=self.jobs.view, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[Any, ...]:
        if not site:
            return no_site(), "", "", "", None, *self.jobs.look(site)
        taxonomy = self.workspace.store.sites.taxonomy(site)
        shown = _asked(taxonomy, unanswered_questions(self.workspace, site))
        return shown, taxonomy_to_yaml(taxonomy), "", "", None, *self.jobs.look(site)

    @one_sentence_errors
    def take_file(self, file: str | None, request: gr.Request) -> tuple[str, None]:
        """Put an uploaded file's text where it can be edited, whatever is wrong with it."""
        require(self.workspace, request, Role.ENGINEER)
        return Path(str(file)).read_text(encoding="utf-8", errors="replace"), None

    @one_sentence_errors
    def plan(self, site: str | None, text: str, renames: str, request: gr.Request) -> tuple[Markup, list[str] | None]:
        """Tell what would change, or what is wrong, and remember of which text and renames."""
        require(self.workspace, request, Role.ENGINEER)
        try:
            plan = plan_taxonomy(self.workspace, require_site(site), yaml_to_taxonomy(text), _lines(renames))
        except UsageError as exc:
            return note(str(exc), tone="bad"), None
        return _planned(plan), [text, renames]

    @one_sentence_errors
    def set_taxonomy(
        self, site: str | None, text: str, renames: str, seen: list[str] | None, request: gr.Request
    ) -> tuple[str, None]:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        if seen != [text, renames]:
            raise UsageError(
                expected="a look at what this text would change",
                found="none" if seen is None else "one at another text",
                remedy="press “See what would change” first",
            )
        path = keep_typed(self.workspace, site, text)
        options = [f"--rename={rename}" for rename in _lines(renames)]
        self.jobs.start("taxonomy-set", *options, "--", str(path), site=site, user=user)
        return "", None


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _asked(taxonomy: Taxonomy, unanswered: dict[str, int]) -> Markup:
    keys = assigned_hotkeys([one.hotkey for one in taxonomy.classes])
    classes = (_class(one, key) for one, key in zip(taxonomy.classes, keys, strict=True))
    parts = [Markup('<dl class="wb-terms">{}</dl>').format(Markup("").join(classes)), *_guide(taxonomy.caption_guide)]
    if taxonomy.questions:
        questions = (_question(question, unanswered[question.name]) for question in taxonomy.questions)
        parts.append(Markup("<h4>Questions</h4><ul>{}</ul>").format(Markup("").join(questions)))
    objects = [", ".join((name, *words)) for name, words in taxonomy.objects.items()]
    told = (("Boxes", taxonomy.boxes), ("Stretches of clips", taxonomy.timeline), ("Objects in captions", objects))
    for title, labels in told:
        if labels:
            parts.append(Markup("<h4>{}</h4><p>{}</p>").format(title, Markup(" ").join(map(badge, labels))))
    return Markup("").join(parts)


def _class(one: LabelClass, key: str) -> Markup:
    return Markup("<dt>{} <kbd>{}</kbd></dt><dd>{}</dd>").format(one.name, key, one.definition)


def _guide(guide: CaptionGuide) -> Iterator[Markup]:
    """Return the guide to captions, with its examples; nothing where there is none."""
    if guide == CaptionGuide():
        return
    yield Markup("<h4>Captions</h4>")
    rules = [guide.text, f"{guide.least_words or 1} to {guide.most_words or 'any number of'} words"]
    yield from (Markup("<p>{}</p>").format(rule) for rule in rules if rule)
    examples = [("good", "good", text) for text in guide.good] + [("bad", "bad", text) for text in guide.bad]
    yield Markup("").join(Markup("<p>{} {}</p>").format(badge(word, tone), text) for word, tone, text in examples)


def _question(question: Question, unanswered: int) -> Markup:
    left_open = Markup(" <span>· {} answers leave it open</span>").format(unanswered) if unanswered else ""
    return Markup("<li>{} {}{}</li>").format(question.text, " / ".join(question.options), left_open)


def _planned(plan: TaxonomyPlan) -> Markup:
    if plan.in_use:
        told = "These labels are in use and cannot be taken away: rename them above, or answer those frames anew."
        return note(told, tone="bad") + _list(plan.in_use)
    if not plan.does_something:
        return note("Nothing would change.")
    by_hand = ["the labelling interface, changed by hand in Label Studio, is restored"] if plan.changed_by_hand else []
    follow = [f"{plan.answers} answers follow"] if plan.answers else []
    return note("This would change:", tone="good") + _list([*plan.changes, *follow, *by_hand, *plan.notes])


def _list(lines: Iterable[str]) -> Markup:
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(line) for line in lines))
