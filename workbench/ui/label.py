"""Label: ask people about frames, see how far they are, and fetch what they said."""

from collections import Counter

import gradio as gr
from markupsafe import Markup

from workbench.domain import Annotation, Role, Split
from workbench.errors import LabelFileError
from workbench.ui.fragments import empty_state, facts, heading, note, page_link, table
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Label"
_SPLITTER_DECIDES = "the splitter decides"


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    desk = _Desk(workspace)
    gr.HTML(heading("Label", "People say in Label Studio what a still shows; the workbench asks and collects."))
    overview = gr.HTML()
    with gr.Row(equal_height=False):
        with gr.Column(elem_classes="wb-card", min_width=320):
            gr.HTML("<h3>Ask and collect</h3>")
            limit = gr.Number(label="At most so many new tasks (0: all)", value=0, minimum=0, precision=0)
            prelabel = gr.Checkbox(label="Suggest an answer with the current model", value=True)
            with gr.Row():
                push = gr.Button("Ask for labels", variant="primary")
                pull = gr.Button("Fetch labels")
        with gr.Column(elem_classes="wb-card", min_width=320):
            gr.HTML("<h3>Import labels that exist</h3>")
            gr.HTML(note("A CSV file with the columns video, time_s, class and caption."))
            file = gr.File(label="labels.csv", file_types=[".csv"], height=110, elem_classes="wb-upload")
            split = gr.Dropdown(
                label="Where they go", choices=[_SPLITTER_DECIDES, *Split], value=_SPLITTER_DECIDES, interactive=True
            )
            bring = gr.Button("Import labels")
    desk.jobs = JobPanel(workspace, site, ["push", "pull", "import"])
    everything = View(desk.look, [overview, *desk.jobs.outputs])
    when_clicked(push, desk.push, [site, limit, prelabel], then=desk.jobs.view, site=site)
    when_clicked(pull, desk.pull, [site], then=desk.jobs.view, site=site)
    when_clicked(bring, desk.import_labels, [site, file, split], clears=[file], then=desk.jobs.view, site=site)
    desk.jobs.when_ended(everything)
    return everything


class _Desk:
    jobs: JobPanel

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @one_sentence_errors
    def look(self, site: str | None, request: gr.Request) -> tuple[object, ...]:
        require(self._workspace, request)
        return _overview(self._workspace, site), *self.jobs.look(site, request)

    @one_sentence_errors
    def push(self, site: str | None, limit: float, prelabel: bool, request: gr.Request) -> None:
        user = require(self._workspace, request, Role.ENGINEER)
        site = require_site(site)
        limited = ["--limit", f"{limit:.0f}"] if limit else []
        argv = ["label", "push", "--site", site, *limited, *([] if prelabel else ["--no-prelabel"])]
        self.jobs.start("push", argv, site=site, user=user)

    @one_sentence_errors
    def pull(self, site: str | None, request: gr.Request) -> None:
        user = require(self._workspace, request, Role.ENGINEER, Role.LABELLER)
        site = require_site(site)
        self.jobs.start("pull", ["label", "pull", "--site", site], site=site, user=user)

    @one_sentence_errors
    def import_labels(self, site: str | None, file: str | None, split: str, request: gr.Request) -> None:
        user = require(self._workspace, request, Role.ENGINEER)
        site = require_site(site)
        if not file:
            raise LabelFileError(expected="a labels.csv", found="no file", remedy="choose the file first")
        pinned = [] if split == _SPLITTER_DECIDES else ["--split", Split(split)]
        self.jobs.start("import", ["label", "import", "--site", site, *pinned, "--", file], site=site, user=user)


def _overview(workspace: Workspace, site: str | None) -> Markup:
    if not site:
        return empty_state("No site yet", "Add the first one under Footage.")
    frames, labels = workspace.store.footage.frames(site), workspace.store.labels
    if not frames:
        return empty_state("No stills to ask about", "Take stills from the site's footage under Footage first.")
    tasks, annotations = labels.tasks(site), labels.annotations(site)
    answered = {annotation.frame_id for annotation in annotations}
    figures = facts(
        {
            "stills": len(frames),
            "asked about": len(tasks),
            "answered": len(answered),
            "open": len(tasks.keys() - answered),
        }
    )
    return figures + _project(workspace, site) + _counts(workspace.store.sites.get(site).class_names, annotations)


def _project(workspace: Workspace, site: str) -> Markup:
    project_id = workspace.store.labels.project(site)
    if project_id is None:
        return empty_state("Nobody was asked yet", "“Ask for labels” makes the site's project in Label Studio.")
    url = f"{workspace.settings.labelstudio_url.rstrip('/')}/projects/{project_id}/data"
    return Markup('<p class="wb-line">{}</p>').format(page_link(url, "Open the project in Label Studio ↗"))


def _counts(class_names: tuple[str, ...], annotations: list[Annotation]) -> Markup:
    if not annotations:
        return Markup("")
    by_class = Counter(annotation.class_name for annotation in annotations)
    by_labeller = Counter(annotation.labeller for annotation in annotations)
    classes = [(name, by_class[name]) for name in (*class_names, *sorted(by_class.keys() - set(class_names)))]
    return Markup('<div class="wb-pair">{}{}</div>').format(
        table(["class", "answers"], classes, numeric=[1]),
        table(["labeller", "answers"], by_labeller.most_common(), numeric=[1]),
    )
