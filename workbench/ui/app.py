"""The page: a header with the site and the account, and below it one tab for each stage of the loop."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.ui import datasets, drift, footage, label, review, runs, tune
from workbench.ui.fragments import badge
from workbench.ui.session import asked_site, one_sentence_errors, require, site_names
from workbench.ui.view import View, all_of
from workbench.workflows.workspace import Workspace

__all__ = ["build_blocks"]

_TABS: tuple[ModuleType, ...] = (footage, label, datasets, tune, runs, review, drift)
_DAY_S = 86_400

_BRAND = (
    '<div class="wb-brand"><img src="/favicon.svg" alt=""><div><b>Site Workbench</b>'
    "<span>from your cameras to a model that knows your site</span></div></div>"
)
_REMEMBER_SITE = (
    "(site) => { if (!site) return;"
    " const u = new URL(location); u.searchParams.set('site', site); history.replaceState(null, '', u); }"
)
_REMEMBER_TAB = (
    "() => {{ if (!document.querySelector('.wb-account')) return;"
    " const u = new URL(location); u.searchParams.set('tab', '{}'); history.replaceState(null, '', u); }}"
)
"""Until the account shows, the address has yet to be read: the first tab must not write itself into it."""


def build_blocks(workspace: Workspace) -> gr.Blocks:
    """Return the Gradio app of ``workspace``; a reload shows the same site and tab, which stand in the address.

    A tab asks for its content when it comes into view, the first one also when the page opens; the header follows it.
    Opening starts one event, not two at once: Gradio closes a page's stream when nothing is pending, and on a busy
    machine the answer to a second event that was just on its way was lost.
    """
    with gr.Blocks(
        title="Site Workbench", analytics_enabled=False, fill_width=True, delete_cache=(_DAY_S, _DAY_S)
    ) as blocks:
        with gr.Row(elem_id="wb-header"):
            gr.HTML(_BRAND)
            site = gr.Dropdown(label="Site", show_label=False, choices=[], interactive=True, elem_id="wb-site")
            account = gr.HTML()
        with gr.Tabs() as tabs:
            pages = [_add_tab(tab, workspace, site) for tab in _TABS]
        opened, *_ = [view.show_on(page.select, site, name=f"look_{page.id}") for page, view in pages]
        opened.then(_Header(workspace).show, account, [site, account, tabs], show_progress="hidden")
        all_of(workspace, [view for _, view in pages]).show_on(site.input, site, name="look_everywhere")
        for page, _ in pages:
            page.select(None, js=_REMEMBER_TAB.format(page.id))
        site.change(None, inputs=site, js=_REMEMBER_SITE)
    blocks.queue(default_concurrency_limit=8)
    return blocks


def _add_tab(tab: ModuleType, workspace: Workspace, site: gr.Dropdown) -> tuple[gr.Tab, View]:
    with gr.Tab(tab.TITLE, id=tab.TITLE.lower()) as page:
        return page, tab.build(workspace, site)


@dataclass(frozen=True)
class _Header:
    workspace: Workspace

    @one_sentence_errors
    def show(self, shown: str | None, request: gr.Request) -> Any:
        """Fill the header and open what the address asks for, once."""
        user = require(self.workspace, request)
        if shown:
            return gr.skip(), gr.skip(), gr.skip()
        titles = [tab.TITLE.lower() for tab in _TABS]
        tab = request.query_params.get("tab")
        tabs = gr.Tabs(selected=tab) if tab in titles else gr.skip()
        account = Markup(
            '<div class="wb-account" data-roles="{}"><b>{}</b>{}<form method="post" action="/sign-out">'
            "<button>Sign out</button></form></div>"
        ).format(" ".join(user.roles), user.name, Markup("").join(badge(role) for role in sorted(user.roles)))
        site = gr.Dropdown(choices=site_names(self.workspace), value=asked_site(self.workspace, request))
        return site, account, tabs
