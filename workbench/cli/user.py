"""``workbench user``: the people who sign in, request and approve."""

from typing import Annotated

import typer

from workbench.cli.console import JsonOption, actor_name, emit, open_workspace
from workbench.cli.credentials import PasswordStdinOption, read_password
from workbench.domain import Role

app = typer.Typer(help="Users: who may sign in, and in which role.", no_args_is_help=True)


@app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[list[Role], typer.Option("--role", help="A role; give the option again for another.")],
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add a user, or give one who is there already another password and other roles."""
    from workbench.workflows import accounts

    workspace = open_workspace()
    password = read_password(workspace, f"Password for {name}", from_stdin=password_stdin, confirm=True)
    user = accounts.add_user(workspace, name, password, role, actor=actor_name())
    emit(user, as_json, f"User {user.name} may sign in as {', '.join(sorted(user.roles))}.")


@app.command("labels-as")
def labels_as(
    name: Annotated[str, typer.Argument(help="Name of the user.")],
    email: Annotated[str, typer.Argument(help="E-mail address of the same person's account in Label Studio.")],
    as_json: JsonOption = False,
) -> None:
    """Say under which address a user labels: for the own statistics, and so that nobody reviews answers of his own."""
    from workbench.workflows import accounts

    accounts.set_label_account(open_workspace(), name, email, actor=actor_name())
    emit({"name": name, "email": email}, as_json, f"User {name} labels as {email}.")


@app.command("list")
def list_users(as_json: JsonOption = False) -> None:
    """List the users and their roles."""
    users = open_workspace().store.users.all()
    lines = [f"{user.name}: {', '.join(sorted(user.roles))}" for user in users]
    emit(users, as_json, "\n".join(lines) or "No user yet: add one with `workbench user add NAME --role reviewer`.")
