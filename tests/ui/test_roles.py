"""A Gradio endpoint can be called without the page: every one of them asks who is asking."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import Response

from tests.ui.conftest import PATIENCE_S, ROLES, SITE, App, PageOf, SignIn
from tests.ui.page import Page
from workbench.domain import Role
from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.ui.invitation import INVITATION_PATH

CHANGES = {
    "add_site": {Role.ENGINEER},
    "add_camera": {Role.ENGINEER},
    "try_stream": {Role.ENGINEER},
    "ingest": {Role.ENGINEER},
    "record": {Role.ENGINEER},
    "stop": {Role.ENGINEER},
    "hide": {Role.ENGINEER},
    "push": {Role.ENGINEER},
    "pull": {Role.ENGINEER, Role.LABELLER},
    "plan_queue": {Role.ENGINEER},
    "ask_next": {Role.ENGINEER},
    "import_labels": {Role.ENGINEER},
    "set_taxonomy": {Role.ENGINEER},
    "push_timelines": {Role.ENGINEER},
    "pull_timelines": {Role.ENGINEER, Role.LABELLER},
    "share_out": {Role.ENGINEER},
    "accept_answer": {Role.REVIEWER},
    "fix_answer": {Role.REVIEWER},
    "send_back": {Role.REVIEWER},
    "add_gold": {Role.REVIEWER},
    "remove_gold": {Role.REVIEWER},
    "build_dataset": {Role.ENGINEER},
    "check_dataset": {Role.ENGINEER},
    "freeze_golden": {Role.REVIEWER},
    "start_preflight": {Role.ENGINEER},
    "tune": {Role.ENGINEER},
    "resume_tuning": {Role.ENGINEER},
    "move_job": {Role.ENGINEER},
    "stop_job": {Role.ENGINEER},
    "evaluate": {Role.ENGINEER},
    "request_promotion": {Role.ENGINEER, Role.REVIEWER},
    "prefer_left": {Role.ENGINEER, Role.LABELLER, Role.REVIEWER},
    "prefer_neither": {Role.ENGINEER, Role.LABELLER, Role.REVIEWER},
    "prefer_right": {Role.ENGINEER, Role.LABELLER, Role.REVIEWER},
    "approve": {Role.REVIEWER},
    "reject": {Role.REVIEWER},
    "roll_back": {Role.REVIEWER},
    "check_drift": {Role.ENGINEER},
}
"""Every endpoint that changes something, with the roles that may."""

LOOKS = ("look", "show", "check_recipe")


@pytest.fixture
def gone(app: App) -> Iterator[Page]:
    """The page of somebody with a valid cookie whose account no longer exists."""
    response = Response()
    Sessions(app.settings).begin(response, "nemo")
    cookie = response.headers["set-cookie"].partition("=")[2].partition(";")[0]
    with httpx.Client(base_url=app.url, cookies={COOKIE_NAME: cookie}, timeout=PATIENCE_S) as client:
        yield Page(client)


def test_every_endpoint_refuses_who_has_no_account(gone: Page) -> None:
    for endpoint, inputs in gone.endpoints.items():
        answer = gone.call(endpoint, inputs)
        assert "Expected a signed-in user" in str(answer), endpoint


def test_every_endpoint_is_either_a_look_or_names_its_roles(page_of: PageOf) -> None:
    changing = {name for name in page_of("ada").endpoints if not name.startswith((*LOOKS, "cancel_"))}
    assert changing == CHANGES.keys()


@pytest.mark.parametrize("name", ["ada", "lin", "rosa"])
def test_what_a_role_may_not_change_is_refused_without_the_page(name: str, page_of: PageOf, app: App) -> None:
    page = page_of(name)
    forbidden = [endpoint for endpoint, roles in CHANGES.items() if ROLES[name] not in roles]
    before = _changes(app)
    for endpoint in forbidden:
        answer = page.call(endpoint, page.endpoints[endpoint])
        assert "Expected somebody with the role" in str(answer), endpoint
    assert _changes(app) == before


def test_an_engineer_adds_a_camera_and_the_audit_trail_names_her(page_of: PageOf, app: App) -> None:
    assert page_of("ada").call("add_camera", [SITE, "gate", ""]) == ["", "", ""]
    assert "gate" in {camera.name for camera in app.workspace.store.sites.cameras(SITE)}
    event = app.workspace.store.audit.events(SITE)[-1]
    assert (event.actor, event.action) == ("ada", "camera.add")


def test_a_mistake_is_told_in_one_escaped_sentence(page_of: PageOf) -> None:
    answer = page_of("ada").call("add_camera", [SITE, "<img src=x>", ""])
    assert "Expected a camera name" in str(answer)
    assert "<img" not in str(answer)


def test_only_who_labels_is_invited_to_label_studio(sign_in: SignIn) -> None:
    refused, invited = (sign_in(name).get(INVITATION_PATH) for name in ("rosa", "lin"))
    assert refused.status_code == 403
    assert (invited.status_code, "Expected a token for the Label Studio" in invited.text) == (502, True)


def _changes(app: App) -> tuple[int, int]:
    """Return how many audit events and jobs there are."""
    return len(app.workspace.store.audit.events()), len(app.workspace.store.jobs.all())
