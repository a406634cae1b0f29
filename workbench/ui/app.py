"""The page: a header with the site and the account, and below it one tab for each stage of the loop."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.ui import drift, footage, label, review, runs, tune
from workbench.ui.fragments import badge
from workbench.ui.session import one_sentence_errors, require
from workbench.ui.view import View
from workbench.workflows.workspace import Workspace

__all__ = ["build_blocks"]

_TABS: tuple[ModuleType, ...] = (footage, label, tune, runs, review, drift)
_DAY_S = 86_400

_BRAND = (
    '<div class="wb-brand"><img src="/favicon.svg" alt=""><div><b>Site Workbench</b>'
    "<span>from your cameras to a model that knows your site</span></div></div>"
)
_REMEMBER_SITE = (
    "(site) => { const u = new URL(location); u.searchParams.set('site', site); history.replaceState(null, '', u); }"
)
_REMEMBER_TAB = (
    "() => {{ const u = new URL(location); u.searchParams.set('tab', '{}'); history.replaceState(null, '', u); }}"
)


def build_blocks(workspace: Workspace) -> gr.Blocks:
    """Return the Gradio app of ``workspace``; a reload shows the same site and tab, which stand in the address."""
    with gr.Blocks(
        title="Site Workbench", analytics_enabled=False, fill_width=True, delete_cache=(_DAY_S, _DAY_S)
    ) as blocks:
        with gr.Row(elem_id="wb-header"):
            gr.HTML(_BRAND)
            site = gr.Dropdown(label="Site", show_label=False, choices=[], interactive=True, elem_id="wb-site")
            account = gr.HTML()
        with gr.Tabs() as tabs:
            pages, views = _add_tabs(workspace, site)
        opened = blocks.load(_Header(workspace).show, outputs=[site, account, tabs], show_progress="hidden")
        for page, view in zip(pages, views, strict=True):
            shown: dict[str, Any] = {
                "fn": _once_site_is_known(workspace, view),
                "inputs": site,
                "outputs": list(view.outputs),
                "show_progress": "hidden",
                "api_name": f"look_{page.id}",
                "api_visibility": "undocumented",
            }
            opened.then(**shown)
            site.input(**shown)
            page.select(**shown)
            page.select(None, js=_REMEMBER_TAB.format(page.id))
        site.input(None, inputs=site, js=_REMEMBER_SITE)
    blocks.queue(default_concurrency_limit=8)
    return blocks


def _add_tabs(workspace: Workspace, site: gr.Dropdown) -> tuple[list[gr.Tab], list[View]]:
    pages, views = [], []
    for tab in _TABS:
        with gr.Tab(tab.TITLE, id=tab.TITLE.lower()) as page:
            views.append(tab.build(workspace, site))
        pages.append(page)
    return pages, views


def _once_site_is_known(workspace: Workspace, view: View) -> Callable[..., Any]:
    """Leave a tab as it is while the page is still being told which sites there are."""

    @one_sentence_errors
    def look(site: str | None, request: gr.Request) -> Any:
        require(workspace, request)
        if site is None and workspace.store.sites.all():
            return tuple(gr.skip() for _ in view.outputs)
        return view.refresh(site, request)

    return look


class _Header:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @one_sentence_errors
    def show(self, request: gr.Request) -> tuple[gr.Dropdown, str, gr.Tabs]:
        """Fill the header and open what the address asks for."""
        user = require(self._workspace, request)
        asked = dict(request.query_params)
        names = [site.name for site in self._workspace.store.sites.all()]
        site = asked["site"] if asked.get("site") in names else next(iter(names), None)
        titles = [tab.TITLE.lower() for tab in _TABS]
        tabs = gr.Tabs(selected=asked["tab"]) if asked.get("tab") in titles else gr.skip()
        account = Markup(
            '<div class="wb-account"><b>{}</b>{}<form method="post" action="/sign-out">'
            "<button>Sign out</button></form></div>"
        ).format(user.name, Markup("").join(badge(role) for role in sorted(user.roles)))
        return gr.Dropdown(choices=names, value=site), account, tabs
