"""Label Studio through its API, as one thing; each of its ideas stands in a file of its own."""

from workbench.labeling.handing_out import HandingOut
from workbench.labeling.ml_backends import MlBackends
from workbench.labeling.origins import Origins
from workbench.labeling.task_json import NewTask, StudioTask
from workbench.labeling.tasks import Tasks
from workbench.labeling.timelines import Timelines
from workbench.labeling.webhooks import Webhooks

__all__ = ["NewTask", "Studio", "StudioTask"]


class Studio(Timelines, Tasks, Origins, MlBackends, HandingOut, Webhooks):
    """A Label Studio at ``url``, worked with as the account that ``token`` belongs to."""
