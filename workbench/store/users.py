"""The people who sign in."""

from typing import Any

from sqlalchemy import Row, select

from workbench.domain import Role, User
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import labeller_accounts, users


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User, password_hash: str) -> None:
        """Remember ``user``; a user of the same name gets the new roles and password."""
        row = {"name": user.name, "roles": sorted(user.roles), "password_hash": password_hash}
        self._database.insert(users, [row], overwrite=True)

    def get(self, name: str) -> User:
        return _user(self._row(name))

    def password_hash(self, name: str) -> str:
        return str(self._row(name).password_hash)

    def all(self) -> list[User]:
        return [_user(row) for row in self._database.rows(select(users).order_by(users.c.name))]

    def label_account(self, name: str) -> str | None:
        """Return the e-mail address under which a user labels in Label Studio, where somebody said so."""
        query = select(labeller_accounts.c.email).where(labeller_accounts.c.user_name == name)
        return next((row.email for row in self._database.rows(query)), None)

    def set_label_account(self, name: str, email: str) -> None:
        row = {"user_name": self.get(name).name, "email": email}
        self._database.insert(labeller_accounts, [row], overwrite=True)

    def _row(self, name: str) -> Row[Any]:
        for row in self._database.rows(select(users).where(users.c.name == name)):
            return row
        raise NotFoundError(
            expected="the name of a user", found=repr(name), remedy="add the user with `workbench user add`"
        )


def _user(row: Row[Any]) -> User:
    return User(row.name, frozenset(map(Role, row.roles)))
