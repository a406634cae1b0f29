"""Nobody passes without a session, and a session is hard to come by without a password."""

import httpx
import pytest

from tests.ui.conftest import PASSWORDS, SignIn
from workbench.ui.cookies import COOKIE_NAME


@pytest.mark.parametrize(
    "path",
    ["/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/static/x.js", "/theme.css", "/reports/x"],
)
def test_nothing_is_shown_to_nobody(nobody: httpx.Client, path: str) -> None:
    assert nobody.get(path).status_code == 401


def test_a_browser_without_a_session_is_sent_to_the_sign_in_page(nobody: httpx.Client) -> None:
    answer = nobody.get("/?tab=tune", headers={"Accept": "text/html"}, follow_redirects=True)
    assert answer.status_code == 200
    assert 'name="next" value="/?tab=tune"' in answer.text


def test_the_right_password_opens_the_app(sign_in: SignIn) -> None:
    answer = sign_in("ada").get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "Site Workbench" in answer.text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(nobody: httpx.Client) -> None:
    answer = nobody.post("/sign-in", data={"name": "ada", "password": PASSWORDS["ada"]})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_an_unknown_name_and_a_wrong_password_get_the_same_words(nobody: httpx.Client) -> None:
    wrong = nobody.post("/sign-in", data={"name": "rosa", "password": "not this one"})
    unknown = nobody.post("/sign-in", data={"name": "nemo", "password": "not this one"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("rosa", "") == unknown.text.replace("nemo", "")
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize("next_path", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_signing_in_never_leads_to_another_server(nobody: httpx.Client, next_path: str) -> None:
    form = {"name": "ada", "password": PASSWORDS["ada"], "next": next_path}
    assert nobody.post("/sign-in", data=form).headers["location"] == "/"


def test_a_forged_cookie_is_nobody(nobody: httpx.Client, sign_in: SignIn) -> None:
    cookie = sign_in("lin").cookies[COOKIE_NAME]
    forged = cookie[:-2] + ("AA" if not cookie.endswith("AA") else "BB")
    assert nobody.get("/", headers={"Cookie": f"{COOKIE_NAME}={forged}"}).status_code == 401


def test_after_signing_out_a_kept_cookie_is_refused(nobody: httpx.Client, sign_in: SignIn) -> None:
    client = sign_in("lin")
    kept = client.cookies[COOKIE_NAME]
    assert client.post("/sign-out").headers["location"] == "/sign-in"
    assert nobody.get("/", headers={"Cookie": f"{COOKIE_NAME}={kept}"}).status_code == 401


def test_another_site_cannot_post_with_the_session(sign_in: SignIn) -> None:
    client = sign_in("ada")
    answer = client.post("/sign-out", headers={"Origin": "http://127.0.0.1:8080"})
    assert answer.status_code == 403
    assert client.get("/config").status_code == 200
