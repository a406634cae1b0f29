"""Passwords and sign-in, on the real store."""

import pytest

from workbench.accounts import hash_password, password_fits
from workbench.domain import Role
from workbench.errors import AccessError, UsageError
from workbench.workflows.accounts import add_user, authenticate
from workbench.workflows.workspace import Workspace

PASSWORD = "correct horse battery"


def test_a_password_fits_its_own_hash_alone() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert password_fits(PASSWORD, kept)
    assert not password_fits(PASSWORD + "!", kept)
    assert not password_fits(PASSWORD, None)
    assert not password_fits(PASSWORD, "not a hash")
    assert hash_password(PASSWORD) != kept


@pytest.mark.parametrize(("password", "length"), [("", 0), ("nine char", 9), ("x" * 1001, 1001)])
def test_a_password_of_the_wrong_length_is_one_sentence(password: str, length: int) -> None:
    with pytest.raises(UsageError, match=f"at least 10 characters, but found {length} characters"):
        hash_password(password)


def test_a_user_signs_in_with_the_right_password(workspace: Workspace) -> None:
    added = add_user(workspace, "rita", PASSWORD, [Role.REVIEWER, Role.ENGINEER], actor="root")
    assert authenticate(workspace, "rita", PASSWORD) == added
    assert PASSWORD not in workspace.store.users.password_hash("rita")


def test_unknown_name_and_wrong_password_read_the_same(workspace: Workspace) -> None:
    add_user(workspace, "rita", PASSWORD, [Role.REVIEWER], actor="root")
    with pytest.raises(AccessError) as wrong:
        authenticate(workspace, "rita", "something else")
    with pytest.raises(AccessError) as unknown:
        authenticate(workspace, "nina", PASSWORD)
    assert str(wrong.value).replace("rita", "nina") == str(unknown.value)


def test_a_user_added_again_gets_the_new_password_and_roles(workspace: Workspace) -> None:
    add_user(workspace, "rita", PASSWORD, [Role.REVIEWER], actor="root")
    add_user(workspace, "rita", "another password", [Role.LABELLER], actor="root")
    assert authenticate(workspace, "rita", "another password").roles == {Role.LABELLER}
    with pytest.raises(AccessError):
        authenticate(workspace, "rita", PASSWORD)
    events = [(event.action, event.actor) for event in workspace.store.audit.events("rita")]
    assert events == [("user.add", "root"), ("user.change", "root")]


def test_nothing_is_kept_of_a_user_without_role_or_with_a_short_password(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="at least one role"):
        add_user(workspace, "rita", PASSWORD, [], actor="root")
    with pytest.raises(UsageError, match="at least 10 characters"):
        add_user(workspace, "rita", "short", [Role.REVIEWER], actor="root")
    assert workspace.store.users.all() == []
    assert workspace.store.audit.events() == []
