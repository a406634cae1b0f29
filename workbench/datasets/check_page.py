"""The findings of a check as one HTML page for a reviewer: no script, nothing fetched from elsewhere, printable."""

from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from workbench.datasets.checks import CheckReport, Severity
from workbench.datasets.manifest import Manifest

__all__ = ["render_checks"]

_EXAMPLES = 12


def render_checks(manifest: Manifest, report: CheckReport, picture: Callable[[str], str | None]) -> str:
    """Return the page; ``picture`` gives the URL of a frame's thumbnail, None where there is none any more."""
    return _template().render(
        site=manifest.site,
        report=report,
        frames=len(manifest.rows),
        rows={row.frame_id: row for row in manifest.rows},
        examples=_EXAMPLES,
        failure=Severity.FAILURE,
        picture=picture,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("workbench.datasets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("checks.html")
