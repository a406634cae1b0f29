import shutil

import pytest

from workbench.errors import WorkbenchError
from workbench.wording import counted, in_short, one_line, refusal_of


def test_things_are_counted_in_words() -> None:
    assert [counted(number, "clip") for number in (0, 1, 1200)] == ["0 clips", "1 clip", "1,200 clips"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/to/weights"),
        ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
        shutil.Error([("/from/a", "/to/a", "[Errno 28] No space left on device: '/to/a'"), ("/from/b", "/to/b", "")]),
        ValueError("No space left on device"),
    ],
)
def test_of_what_the_system_refused_its_reason_alone_is_told(error: Exception) -> None:
    assert refusal_of(error) == "No space left on device"


def test_an_error_is_one_line_whatever_it_quotes() -> None:
    error = WorkbenchError(expected="a\nb", found="\x1b[2J", remedy="rename \udce4 – São 夜")

    assert str(error) == r"Expected a\nb, but found \x1b[2J; rename \udce4 – São 夜."
    assert one_line(str(error)) == str(error)


def test_what_is_quoted_keeps_its_ends() -> None:
    assert [in_short(value) for value in ("a", 0, None)] == ["'a'", "0", "None"]
    assert len(in_short("x" * 5000)) == len(in_short(["x" * 5000])) - 2 == 80
    assert in_short([[[1]]]) == "[[[...]]]"
