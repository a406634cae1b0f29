"""Accounts for labellers, made the way people make theirs: by signing up through the organization's invitation.

Community Label Studio has no API call that gives a new user a password or a token.
"""

import re
from urllib.parse import urljoin

import httpx

from workbench.errors import LabelStudioError
from workbench.labeling.connection import translated_errors

__all__ = ["ensure_labeller"]

_CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_TIMEOUT_S = 60.0


def ensure_labeller(url: str, invitation_path: str, email: str, password: str) -> str:
    """Return the (legacy) token of the account ``email``, which signs in, or signs up when it is new.

    Raises LabelStudioError when it can do neither; the server must have legacy tokens enabled.
    """
    with translated_errors(url):
        for form_path in ("/user/login/", invitation_path):
            with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as browser:
                if _submit(browser, urljoin(url, form_path), email, password):
                    return str(browser.get("/api/current-user/token").raise_for_status().json()["token"])
    raise LabelStudioError(
        expected=f"{email} to sign in or sign up at {url}",
        found="that both were refused",
        remedy="delete the account in Label Studio, or use another name",
    )


def _submit(browser: httpx.Client, form_url: str, email: str, password: str) -> bool:
    page = browser.get(form_url)
    csrf = _CSRF_FIELD.search(page.text)
    if csrf is None:
        return False
    fields = {"csrfmiddlewaretoken": csrf.group(1), "email": email, "password": password}
    return browser.post(form_url, data=fields, headers={"Referer": form_url}).is_redirect
