from workbench.errors import WorkbenchError
from workbench.wording import counted, one_line


def test_things_are_counted_in_words() -> None:
    assert [counted(number, "clip") for number in (0, 1, 1200)] == ["0 clips", "1 clip", "1,200 clips"]


def test_an_error_is_one_line_whatever_it_quotes() -> None:
    error = WorkbenchError(expected="a\nb", found="\x1b[2J", remedy="rename \udce4 – São 夜")

    assert str(error) == r"Expected a\nb, but found \x1b[2J; rename \udce4 – São 夜."
    assert one_line(str(error)) == str(error)
