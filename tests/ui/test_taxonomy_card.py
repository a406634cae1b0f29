"""What labellers are asked, read and changed from the page."""

import time
from pathlib import Path

from tests.ui.conftest import PATIENCE_S, SITE, App, PageOf
from tests.ui.page import Page
from workbench.domain import JobState
from workbench.labeling.taxonomy_file import taxonomy_to_yaml, yaml_to_taxonomy


def text_of(app: App) -> str:
    return taxonomy_to_yaml(app.workspace.store.sites.taxonomy(SITE))


def shown(page: Page) -> str:
    return str(page.call("look_label", [SITE]))


def test_everybody_reads_what_labellers_are_asked(page_of: PageOf, app: App) -> None:
    for name in ("ada", "lin", "rosa"):
        assert "<dt>clear <kbd>1</kbd></dt>" in shown(page_of(name))


def test_a_change_is_seen_before_it_is_made_and_made_by_a_job(page_of: PageOf, app: App) -> None:
    page = page_of("ada")
    text = text_of(app).replace("- name: clear\n", "- name: clear\n  definition: <b>Nothing</b> moves\n")
    problems = str(page.call("look_taxonomy_plan", [SITE, text.replace("definition", "definiton"), ""]))
    assert "classes[1].definiton is not a key (did you mean definition?)" in problems
    refused = str(page.call("set_taxonomy", [SITE, text, "", None]))
    assert "press “See what would change” first" in refused
    assert "definition of clear changed" in str(page.call("look_taxonomy_plan", [SITE, text, ""]))
    other = str(page.call("set_taxonomy", [SITE, text + "boxes: [person]", "", None]))
    assert "one at another text" in other

    page.call("set_taxonomy", [SITE, text, "", None])

    job = app.workspace.store.jobs.all(SITE)[0]
    assert (job.kind, job.started_by) == ("taxonomy-set", "ada")
    give_up_at = time.monotonic() + PATIENCE_S
    while app.workspace.store.sites.taxonomy(SITE) != yaml_to_taxonomy(text):
        assert time.monotonic() < give_up_at, Path(job.log_path).read_text()
        time.sleep(0.2)
    assert "&lt;b&gt;Nothing&lt;/b&gt; moves" in shown(page)
    event = next(event for event in app.workspace.store.audit.events(SITE) if event.action == "taxonomy.set")
    assert (event.actor, event.detail["changes"]) == ("ada", ["definition of clear changed"])
    page.call("look_taxonomy_set", [SITE])
    assert app.workspace.store.jobs.all(SITE)[0].state in (JobState.DONE, JobState.RUNNING)
