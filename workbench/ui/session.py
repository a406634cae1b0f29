"""Who asks for something, about which site, and whether they may.

A Gradio endpoint can be called without the page, so hiding a button protects nothing: every handler names the roles it
needs through :func:`require`, which reads them from the store at the time of asking.
"""

import functools
from collections.abc import Callable
from html import escape
from typing import ParamSpec, TypeVar

import gradio as gr

from workbench.domain import Role, User
from workbench.errors import AccessError, NotFoundError, WorkbenchError
from workbench.workflows.workspace import Workspace

__all__ = ["asked_site", "one_sentence_errors", "require", "require_site", "sees_others", "site_names"]

P = ParamSpec("P")
R = TypeVar("R")


def require(workspace: Workspace, request: gr.Request, *roles: Role) -> User:
    """Return the signed-in user, who must have one of ``roles`` (none named: being signed in is enough).

    Raises AccessError when nobody is signed in, the account is gone, or the role is missing.
    """
    user = _signed_in(workspace, request)
    if roles and not user.roles.intersection(roles):
        raise AccessError(
            expected=f"somebody with the role {' or '.join(roles)}",
            found=f"{user.name} ({', '.join(sorted(user.roles)) or 'no role'})",
            remedy=f"ask a colleague who is {_article(roles[0])} to do this",
        )
    return user


def sees_others(user: User) -> bool:
    """Tell whether ``user`` may see what other people answered, and how well."""
    return bool(user.roles & {Role.ENGINEER, Role.REVIEWER})


def require_site(site: str | None) -> str:
    """Return the picked site; raises NotFoundError when none is picked."""
    if not site:
        raise NotFoundError(
            expected="a site to work on",
            found="none picked",
            remedy="pick one at the top of the page, or add the first one under Footage",
        )
    return site


def site_names(workspace: Workspace) -> list[str]:
    return [site.name for site in workspace.store.sites.all()]


def asked_site(workspace: Workspace, request: gr.Request) -> str | None:
    """Return the site that the page's address asks for, the first where it names none that there is."""
    names, asked = site_names(workspace), request.query_params.get("site")
    return asked if asked in names else next(iter(names), None)


def one_sentence_errors(handler: Callable[P, R]) -> Callable[P, R]:
    """Show a WorkbenchError of ``handler`` as a toast with its one sentence.

    Gradio renders the text as HTML, so what came from files and forms is escaped.
    """

    @functools.wraps(handler)
    def handle(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except WorkbenchError as exc:
            raise gr.Error(escape(str(exc)), duration=20, print_exception=False) from exc

    return handle


def _signed_in(workspace: Workspace, request: gr.Request) -> User:
    name = request.username
    try:
        return workspace.store.users.get(name or "")
    except NotFoundError as exc:
        raise AccessError(
            expected="a signed-in user", found=repr(name) if name else "nobody", remedy="sign in and try again"
        ) from exc


def _article(role: Role) -> str:
    return f"an {role}" if role.startswith("e") else f"a {role}"
