"""``workbench user`` and ``workbench promote`` as one types them."""

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Role, Site
from workbench.errors import AccessError, UsageError
from workbench.workflows.accounts import add_user, authenticate
from workbench.workflows.workspace import Workspace

PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _home(workspace: Workspace, yard: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


def test_a_user_is_added_and_listed(workspace: Workspace) -> None:
    added = run("user", "add", "rita", "--role", "reviewer", "--role", "engineer", "--password-stdin", typed=PASSWORD)
    assert added.exit_code == 0, added.output
    assert authenticate(workspace, "rita", PASSWORD).roles == {Role.REVIEWER, Role.ENGINEER}
    listed = json.loads(run("user", "list", "--json").stdout)
    assert [(user["name"], sorted(user["roles"])) for user in listed] == [("rita", ["engineer", "reviewer"])]
    assert isinstance(
        run("user", "add", "lars", "--role", "labeller", "--password-stdin", typed="x").exception, UsageError
    )


def test_the_password_may_be_typed_or_come_from_the_environment(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = run("user", "add", "rita", "--role", "reviewer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert typed.exit_code == 0, typed.output
    assert PASSWORD not in typed.output
    monkeypatch.setenv("WORKBENCH_PASSWORD", PASSWORD)
    refused = run("promote", "rollback", "--site", "yard", "--as", "rita")
    assert "the base model is in force" in str(refused.exception)


def test_deciding_needs_the_right_password(workspace: Workspace) -> None:
    add_user(workspace, "rita", PASSWORD, [Role.REVIEWER], actor="root")
    for command in (["approve", "--version", "1"], ["reject", "--version", "1"], ["rollback"], ["request", "abc"]):
        tried = run("promote", *command, "--site", "yard", "--as", "rita", "--password-stdin", typed="wrong password")
        assert isinstance(tried.exception, AccessError), command


def test_verifying_and_listing_tell_what_is_in_force() -> None:
    verified = run("promote", "verify")
    assert verified.exit_code == 0, verified.output
    assert "aliases are as the ledger says" in verified.output
    assert json.loads(run("promote", "list", "--site", "yard", "--json").stdout) == {"champion": None, "candidates": []}
    assert "the base model" in run("promote", "list", "--site", "yard").output
