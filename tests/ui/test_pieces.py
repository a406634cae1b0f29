"""The small parts: throttle, cookies, fragments and charts, without a server."""

from datetime import timedelta

import pytest
from starlette.responses import Response

from workbench.settings import Settings
from workbench.ui.charts import line_chart
from workbench.ui.cookies import Sessions
from workbench.ui.fragments import empty_state, span_of, table
from workbench.ui.throttle import Throttle


def test_guessing_becomes_slow_and_stays_open_to_others() -> None:
    now_s = 0.0
    throttle = Throttle(lambda: now_s)
    for _ in range(3):
        assert throttle.wait_s("user ada") == 0
        throttle.failed("user ada")
    assert throttle.wait_s("user ada") == 1
    throttle.failed("user ada")
    assert throttle.wait_s("user ada") == 2
    assert throttle.wait_s("user lin") == 0
    now_s = 2.0
    assert throttle.wait_s("user ada") == 0
    throttle.succeeded("user ada")
    throttle.failed("user ada")
    assert throttle.wait_s("user ada") == 0


def test_a_cookie_of_another_key_is_nobody() -> None:
    response = Response()
    Sessions(Settings.load(session_key="one key")).begin(response, "ada")
    cookie = response.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert Sessions(Settings.load(session_key="one key")).user_name(cookie) == "ada"
    assert Sessions(Settings.load(session_key="another key")).user_name(cookie) is None


@pytest.mark.parametrize("key", ["", "k" * 64])
def test_without_a_key_in_the_settings_cookies_are_signed_all_the_same(key: str) -> None:
    response = Response()
    sessions = Sessions(Settings.load(session_key=key))
    sessions.begin(response, "ada")
    assert sessions.user_name(response.headers["set-cookie"].partition("=")[2].partition(";")[0]) == "ada"
    assert sessions.user_name("ada") is None


def test_what_people_wrote_is_escaped() -> None:
    assert "<script>" not in table(["caption"], [["<script>alert(1)</script>"]])
    assert "&lt;b&gt;" in empty_state("<b>", "next")


@pytest.mark.parametrize(("seconds", "words"), [(4, "4 s"), (125, "2 min 05 s"), (7860, "2 h 11 min")])
def test_spans_read_like_speech(seconds: int, words: str) -> None:
    assert span_of(timedelta(seconds=seconds)) == words


def test_a_chart_fits_its_points_and_is_nothing_without_any() -> None:
    assert line_chart({"train loss": []}, x_title="step") == ""
    chart = line_chart({"train loss": [(1, 4.0), (11, 0.0)]}, x_title="step")
    assert 'points="52.0,28.0 628.0,212.0"' in chart
    assert "train loss goes from 4.000 to 0.000" in chart
