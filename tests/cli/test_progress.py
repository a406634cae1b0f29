"""Progress without a terminal: a log shows life, and long work is interrupted rather than cut off."""

import signal

import pytest

from workbench.cli.console import progress_bar
from workbench.cli.progress_lines import PAUSE_S, ProgressLines


class Log:
    """What was written, by a clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.lines: list[str] = []
        self.progress = ProgressLines(self.lines.append, lambda: self.now_s)

    def after(self, seconds: float, done: int, total: int | None, what: str) -> None:
        self.now_s += seconds
        self.progress(done, total, what)


def test_a_stage_has_a_line_where_it_starts_and_where_it_ends() -> None:
    log = Log()
    log.after(0, 0, None, "loading the base model")
    log.after(4, 1, 60, "training steps")
    log.after(1, 60, 60, "training steps")
    log.after(1, 60, 60, "training steps")
    log.after(0, 5, 5, "tasks created")
    log.after(0, 1, None, "north.mp4")
    log.progress.end()
    log.progress.end()
    assert log.lines == [
        "loading the base model: begun",
        "loading the base model: ended after 4 s",
        "training steps: 1 of 60, begun",
        "training steps: 60 of 60, ended after 1 s",
        "tasks created: 5 of 5, ended after 0 s",
        "north.mp4: 1, begun",
        "north.mp4: 1, ended after 0 s",
    ]


def test_between_them_lines_are_some_seconds_apart() -> None:
    log = Log()
    for step in range(1, 21):
        log.after(PAUSE_S / 4, step, 100, "training steps")
    assert log.lines == ["training steps: 1 of 100, begun"] + [
        f"training steps: {step} of 100, after {(step - 1) * PAUSE_S / 4:.0f} s" for step in range(5, 21, 4)
    ]


def test_a_stage_that_comes_again_is_told_again() -> None:
    log = Log()
    for _ in range(2):
        log.after(0, 0, 2, "frames answered")
        log.after(1, 2, 2, "frames answered")
    assert log.lines == ["frames answered: 0 of 2, begun", "frames answered: 2 of 2, ended after 1 s"] * 2


def test_progress_of_a_command_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        progress(0, None, f"cam[1] {'x' * 200}")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        f"cam[1] {'x' * 200}: begun",
        f"cam[1] {'x' * 200}: ended after 0 s",
    ]


def test_work_that_fails_is_not_said_to_have_ended(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with progress_bar() as progress:
            progress(0, 2, "frames")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert capsys.readouterr().err == "frames: 0 of 2, begun\n"


def test_a_request_to_end_interrupts_long_work_so_that_it_can_undo() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), progress_bar():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
