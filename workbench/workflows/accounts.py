"""Make people known and let them in."""

from collections.abc import Iterable

from workbench.accounts import hash_password, password_fits
from workbench.domain import Role, User
from workbench.errors import AccessError, NotFoundError, UsageError
from workbench.workflows.workspace import Workspace


def add_user(workspace: Workspace, name: str, password: str, roles: Iterable[Role], *, actor: str) -> User:
    """Make ``name`` a user; one who is there already gets the new password and roles instead of the old ones."""
    user = User(name, frozenset(roles))
    if not user.roles:
        raise UsageError(
            expected=f"at least one role of {', '.join(Role)}",
            found="none",
            remedy="give one with --role",
        )
    password_hash = hash_password(password)
    with workspace.store.transaction():
        known = user.name in {other.name for other in workspace.store.users.all()}
        workspace.store.users.add(user, password_hash)
        workspace.store.audit.append(
            actor=actor,
            action="user.change" if known else "user.add",
            subject=name,
            detail={"roles": sorted(user.roles)},
        )
    return user


def set_label_account(workspace: Workspace, name: str, email: str, *, actor: str) -> None:
    """Remember that user ``name`` labels in Label Studio as ``email``; said again, the new address counts."""
    if not all(email.strip().partition("@")):
        raise UsageError(
            expected="an e-mail address of an account in Label Studio",
            found=repr(email),
            remedy="see it on the account's page there",
        )
    with workspace.store.transaction():
        workspace.store.users.set_label_account(name, email.strip())
        workspace.store.audit.append(
            actor=actor, action="user.labels-as", subject=name, detail={"email": email.strip()}
        )


def authenticate(workspace: Workspace, name: str, password: str) -> User:
    """Return the user with this name and password; AccessError, the same for an unknown name and a wrong password."""
    if not password_fits(password, _password_hash(workspace, name)):
        raise AccessError(
            expected=f"the password of user {name}",
            found="no user with that name and password",
            remedy="check both, or have the password set anew with `workbench user add`",
        )
    return workspace.store.users.get(name)


def _password_hash(workspace: Workspace, name: str) -> str | None:
    try:
        return workspace.store.users.password_hash(name)
    except NotFoundError:
        return None
