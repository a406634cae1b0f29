"""How a command learns a password: from the environment, from standard input or from a prompt, never as an argument."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import open_workspace

if TYPE_CHECKING:
    from workbench.domain import User
    from workbench.workflows.workspace import Workspace

__all__ = ["AsUserOption", "PasswordStdinOption", "read_password", "sign_in"]

AsUserOption = Annotated[
    str, typer.Option("--as", help="User who does this; the password is asked for.", show_default=False)
]
PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input (or set WORKBENCH_PASSWORD).")
]


def sign_in(name: str, *, from_stdin: bool) -> tuple["Workspace", "User"]:
    """Open the workspace and return it with the user, after checking the password; AccessError when it is wrong."""
    from workbench.workflows.accounts import authenticate

    workspace = open_workspace()
    password = read_password(workspace, f"Password of {name}", from_stdin=from_stdin)
    return workspace, authenticate(workspace, name, password)


def read_password(workspace: "Workspace", prompt: str, *, from_stdin: bool, confirm: bool = False) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if password := workspace.settings.password.get_secret_value():
        return password
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
