"""Passwords: what is accepted, how it is kept (argon2id) and how it is checked.

Checking takes the same time whether or not the user exists, so that an answer's delay tells nobody who does.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from workbench.errors import UsageError

__all__ = ["MIN_PASSWORD_LENGTH", "hash_password", "password_fits"]

MIN_PASSWORD_LENGTH = 10
_MAX_PASSWORD_LENGTH = 1000

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the salted hash to keep for ``password``; UsageError when it is too short or absurdly long."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= _MAX_PASSWORD_LENGTH:
        raise UsageError(
            expected=f"a password of at least {MIN_PASSWORD_LENGTH} characters",
            found=f"{len(password)} characters",
            remedy="choose a longer one" if len(password) < MIN_PASSWORD_LENGTH else "choose a shorter one",
        )
    return _hasher.hash(password)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Say whether ``password`` is the one behind ``password_hash`` (None, for a user nobody made: never)."""
    try:
        fits = _hasher.verify(password_hash or _nobodys_hash(), password[: _MAX_PASSWORD_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody")
