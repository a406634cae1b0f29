"""What a model said of some stills before and after it was tuned, beside what people say."""

from markupsafe import Markup

from workbench.ui.fragments import badge, frame_link, table
from workbench.ui.reports import sample_rows
from workbench.workflows.workspace import Workspace

__all__ = ["run_samples"]

_SHOWN = 12


def run_samples(workspace: Workspace, run_id: str) -> Markup:
    """Return the run's sample predictions; nothing before it has logged them."""
    rows = sample_rows(workspace, run_id)[:_SHOWN]
    if not rows:
        return Markup("")
    columns = ["still", "people say", "the model said before", "the model says now"]
    return Markup('<h4>Samples</h4><div class="wb-samples">{}</div>').format(table(columns, map(_sample, rows)))


def _sample(row: dict[str, object]) -> tuple[Markup, ...]:
    said = [_said(row["class"], row["caption"], "quiet")]
    for when in ("before", "after"):
        class_name = row[f"class_{when}"]
        said.append(_said(class_name, row[f"caption_{when}"], "good" if class_name == row["class"] else "bad"))
    return frame_link(row["frame_id"], row["caption"]), *said


def _said(class_name: object, caption: object, tone: str) -> Markup:
    return Markup("{}<p>{}</p>").format(badge(str(class_name), tone), caption)
