"""Line charts as inline SVG: they follow the page's colours in light and dark and need no script."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from workbench.tracking import Tracker

__all__ = ["line_chart", "loss_chart"]

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 28, 28
_TICKS = 4

Points = Sequence[tuple[int, float]]


def loss_chart(tracker: Tracker, run_id: str) -> Markup:
    """Draw a tuning run's training and validation loss; nothing before the first is logged."""
    series = {name: tracker.history(run_id, f"{name}/loss") for name in ("train", "validation")}
    return line_chart({f"{name} loss": points for name, points in series.items()}, x_title="step")


def line_chart(series: Mapping[str, Points], *, x_title: str) -> Markup:
    """Draw up to two series of (step, value); nothing when all are empty."""
    drawn = {name: points for name, points in series.items() if points}
    if not drawn:
        return Markup("")
    steps = [step for points in drawn.values() for step, _ in points]
    values = [value for points in drawn.values() for _, value in points]
    scale = _Scale(min(steps), max(steps), min(0.0, *values), max(values) or 1.0)
    lines = Markup("").join(
        Markup('<polyline class="s{}" points="{}"/>').format(position, scale.path(points))
        for position, points in enumerate(drawn.values())
    )
    return Markup(
        '<div class="wb-chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg></div>'
    ).format(_WIDTH, _HEIGHT, _spoken(drawn), scale.grid(), scale.x_labels(x_title), lines, _key(list(drawn)))


class _Scale:
    def __init__(self, first_step: int, last_step: int, low: float, high: float) -> None:
        self._first, self._last = first_step, max(last_step, first_step + 1)
        self._low, self._high = low, high if high > low else low + 1.0

    def path(self, points: Points) -> str:
        return " ".join(f"{self._x(step):.1f},{self._y(value):.1f}" for step, value in points)

    def grid(self) -> Markup:
        values = [self._low + (self._high - self._low) * tick / _TICKS for tick in range(_TICKS + 1)]
        return Markup("").join(
            Markup(
                '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
                '<text x="{3}" y="{4:.1f}" text-anchor="end">{5:.2f}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, self._y(value), _LEFT - 8, self._y(value) + 4, value)
            for value in values
        )

    def x_labels(self, title: str) -> Markup:
        return Markup('<text x="{0}" y="{3}">{1}</text><text x="{2}" y="{3}" text-anchor="end">{4} {5}</text>').format(
            _LEFT, self._first, _WIDTH - _RIGHT, _HEIGHT - 8, title, self._last
        )

    def _x(self, step: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step - self._first) / (self._last - self._first)

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - self._low) / (self._high - self._low)


def _key(names: Sequence[str]) -> Markup:
    return Markup("").join(
        Markup('<circle class="k{0}" cx="{1}" cy="12" r="4"/><text x="{2}" y="16">{3}</text>').format(
            position, _LEFT + 4 + 180 * position, _LEFT + 14 + 180 * position, name
        )
        for position, name in enumerate(names)
    )


def _spoken(series: Mapping[str, Points]) -> str:
    return "; ".join(f"{name} goes from {points[0][1]:.3f} to {points[-1][1]:.3f}" for name, points in series.items())
