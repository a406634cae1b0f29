"""Where Label Studio asks for suggestions, and who may ask.

Each site has an address and a password of its own, which is made of a key of this workspace's and so is never stored;
Label Studio keeps it and shows it to nobody.
"""

import hmac

from workbench.settings import Settings
from workbench.workflows.keys import derived_key

__all__ = ["ML_PATH", "ML_USER", "is_permitted", "password_of", "url_of"]

ML_PATH = "/ml/"
ML_USER = "workbench"


def url_of(settings: Settings, site: str) -> str:
    return f"{settings.resolved_public_url}{ML_PATH}{site}"


def password_of(settings: Settings, site: str) -> str:
    """Return the password for the site's suggestions; empty while the workspace has no key."""
    return derived_key(settings.session_key, f"suggestions of site {site}")


def is_permitted(settings: Settings, site: str, user: str, password: str) -> bool:
    """Tell whether this is who may ask for the site's suggestions."""
    right = password_of(settings, site)
    return bool(right) and user == ML_USER and hmac.compare_digest(right.encode(), password.encode())
