"""``workbench user`` and ``workbench promote`` as one types them."""

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Candidate, CandidateState, Gate, Role, Site, Verdict, utc_now
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


def test_a_request_and_its_decision_are_both_told(workspace: Workspace) -> None:
    gate = Gate("It [beats] the base", Verdict.PASS, "0.9 against 0.4.")
    workspace.store.promotions.add(
        Candidate(
            site="yard",
            version=1,
            run_id="r" * 32,
            dataset_id="d" * 64,
            state=CandidateState.REQUESTED,
            compared_with="base",
            gates=(gate,),
            requested_by="erin",
            requested_at=utc_now(),
            note="please [/look]",
            adapter_digest="a" * 64,
        )
    )
    workspace.tracker.client.create_registered_model("yard")
    workspace.tracker.client.create_model_version("yard", "runs:/r/adapter")
    add_user(workspace, "rita", PASSWORD, [Role.REVIEWER], actor="root")
    decision = ("--version", "1", "--note", "too slow", "--as", "rita", "--password-stdin")
    rejected = run("promote", "reject", "--site", "yard", *decision, typed=PASSWORD)
    assert rejected.exit_code == 0, rejected.output
    assert run("promote", "list", "--site", "yard").output.splitlines() == [
        "Champion of yard: the base model",
        "",
        "Version 1 (run rrrrrrrrrrrr, adapter aaaaaaaaaaaa), requested by erin, compared with base: rejected by rita",
        "  pass  It [beats] the base. 0.9 against 0.4.",
        "  erin: please [/look]",
        "  rita: too slow",
    ]


def test_verifying_and_listing_tell_what_is_in_force() -> None:
    verified = run("promote", "verify")
    assert verified.exit_code == 0, verified.output
    assert "aliases are as the ledger says" in verified.output
    assert json.loads(run("promote", "list", "--site", "yard", "--json").stdout) == {"champion": None, "candidates": []}
    assert "the base model" in run("promote", "list", "--site", "yard").output
