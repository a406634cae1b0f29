"""Label: ask people about frames, see how far they are, and fetch what they said."""

from collections import Counter
from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, Split, User
from workbench.errors import LabelFileError
from workbench.store import FrameState
from workbench.ui.agreement_card import AgreementCard
from workbench.ui.answer_review_card import AnswerReviewCard
from workbench.ui.fragments import empty_state, facts, heading, loading, no_site, note, page_link, table
from workbench.ui.gold_card import gold_card
from workbench.ui.invitation import INVITATION_PATH
from workbench.ui.job_panel import JobPanel
from workbench.ui.own_answers_card import own_answers_card
from workbench.ui.prelabel_card import prelabel_card
from workbench.ui.queue_card import QueueCard, own_queue_card
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.taxonomy_card import TaxonomyCard
from workbench.ui.timeline_card import TimelineCard
from workbench.ui.view import View, all_of, card, contents, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Label"
_JOBS = {
    "label-push": "Asking for labels",
    "label-pull": "Fetching labels",
    "label-import": "Importing labels",
}
_LABEL_FILES = [".csv", ".json", ".jsonl", ".txt", ".zip"]
_ENGINEERS = f"wb-for-{Role.ENGINEER}"
_BY_TIME = "decided by time, as for other labels"


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "People say in Label Studio what a still shows; the workbench asks and collects."))
    overview = gr.HTML(loading())
    with contents():
        with gr.Row(equal_height=False):
            with card("Ask and collect", Role.ENGINEER, Role.LABELLER):
                with gr.Column(elem_classes=_ENGINEERS):
                    limit = gr.Number(label="Stills to ask about at most (0: all)", value=0, minimum=0, precision=0)
                    prelabel = gr.Checkbox(label="Suggest an answer with the current model", value=True)
                with gr.Row():
                    push = gr.Button("Ask for labels", variant="primary", elem_classes=_ENGINEERS)
                    pull = gr.Button("Fetch labels")
            with card("Import labels that exist", Role.ENGINEER):
                gr.HTML(
                    note(
                        "CSV, COCO, Visual Genome, ChatEarthNet, LLaVA or ShareGPT conversations, or a zipped YOLO "
                        "folder. What has no class or no caption becomes a suggestion."
                    )
                )
                file = gr.File(label="Labels", file_types=_LABEL_FILES, height=110, elem_classes="wb-upload")
                split = gr.Dropdown(
                    label="Part of the dataset that they go to",
                    choices=[_BY_TIME, *Split],
                    value=_BY_TIME,
                    interactive=True,
                )
                bring = gr.Button("Import labels")
        jobs = JobPanel(workspace, site, _JOBS)
        answers = gr.HTML()
        own_queue, queue = own_queue_card(workspace), QueueCard(workspace, site)
        own = own_answers_card(workspace)
        review, agreement = AnswerReviewCard(workspace, site), AgreementCard(workspace, site)
        gold = gold_card(workspace, site)
        suggestions = prelabel_card(workspace)
        with gr.Row(equal_height=False):
            taxonomy = TaxonomyCard(workspace, site)
    timeline = TimelineCard(workspace, site)
    desk = _Desk(workspace, jobs)
    counted = View(workspace, desk.look, [overview, answers, *jobs.outputs], personal=True)
    quiet = [counted, own_queue, queue.view, suggestions, taxonomy.view, timeline.view, own, agreement.view, gold]
    everything = all_of(workspace, [*quiet, review.view])
    when_clicked(push, desk.push, [site, limit, prelabel], then=jobs.view, site=site)
    when_clicked(pull, desk.pull, [site], then=jobs.view, site=site)
    when_clicked(bring, desk.import_labels, [site, file, split], clears=[file], then=jobs.view, site=site)
    for panel in (jobs, queue.jobs, taxonomy.jobs, timeline.jobs, agreement.jobs):
        panel.when_ended(all_of(workspace, [*quiet, review.summary]))
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None, user: User) -> tuple[object, ...]:
        answers = _answers(self.workspace, site, of_labellers=bool(user.roles - {Role.LABELLER}))
        return _overview(self.workspace, site), answers, *self.jobs.look(site)

    @one_sentence_errors
    def push(self, site: str | None, limit: float, prelabel: bool, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        limited = ["--limit", f"{limit:.0f}"] if limit else []
        unguessed = [] if prelabel else ["--no-prelabel"]
        self.jobs.start("label-push", *limited, *unguessed, site=require_site(site), user=user)

    @one_sentence_errors
    def pull(self, site: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER, Role.LABELLER)
        self.jobs.start("label-pull", site=require_site(site), user=user)

    @one_sentence_errors
    def import_labels(self, site: str | None, file: str | None, split: str, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        if not file:
            raise LabelFileError(expected="a file of labels", found="no file", remedy="choose the file first")
        pinned = [] if split == _BY_TIME else ["--split", Split(split)]
        self.jobs.start("label-import", *pinned, "--", file, site=site, user=user)


def _overview(workspace: Workspace, site: str | None) -> Markup:
    if not site:
        return no_site()
    stills = workspace.store.footage.counts_by_state(site)
    if not any(stills.values()):
        return empty_state("No stills to ask about", "Take stills from the site's footage under Footage first.")
    figures = {
        "stills": sum(stills.values()),
        "asked about": stills[FrameState.IN_LABELLING] + stills[FrameState.LABELLED],
        "answered": stills[FrameState.LABELLED],
        "waiting for an answer": stills[FrameState.IN_LABELLING],
    }
    return facts(figures) + _project(workspace, site)


def _project(workspace: Workspace, site: str) -> Markup:
    project_id = workspace.store.labels.project(site)
    if project_id is None:
        return empty_state("Nobody was asked yet", "“Ask for labels” makes the site's project in Label Studio.")
    url = f"{workspace.settings.labelstudio_url.rstrip('/')}/projects/{project_id}/data"
    return Markup('<p class="wb-line">{} <span>· {}</span></p>').format(
        page_link(url, "Open the project in Label Studio ↗"),
        page_link(INVITATION_PATH, "first time: make an account there ↗"),
    )


def _answers(workspace: Workspace, site: str | None, *, of_labellers: bool) -> Markup:
    annotations = workspace.store.reviews.brief_answers(site) if site else []
    if not site or not annotations:
        return Markup("")
    class_names = workspace.store.sites.get(site).class_names
    by_class = Counter(annotation.class_name for annotation in annotations)
    by_labeller = Counter(annotation.labeller for annotation in annotations)
    classes = [(name, by_class[name]) for name in (*class_names, *sorted(by_class.keys() - set(class_names)))]
    return Markup('<div class="wb-pair">{}{}</div>').format(
        table(["class", "answers"], classes, numeric=[1]),
        table(["labeller", "answers"], by_labeller.most_common(), numeric=[1]) if of_labellers else "",
    )
