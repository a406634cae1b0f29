"""Which frames tasks ask about by now."""

from collections.abc import Mapping

from workbench.store import Store

__all__ = ["current_frames"]


def current_frames(store: Store, site: str, project_id: int | None, named: Mapping[int, str]) -> dict[int, str]:
    """Return the present ids of the frames that tasks ask about, by task number, of those that are the site's.

    ``named`` are the ids that the tasks themselves tell: a still that was covered by a mask has another one since.
    """
    ours = store.footage.known(site, set(filter(None, named.values())))
    still = {task_id: frame_id for task_id, frame_id in named.items() if frame_id in ours}
    return store.labels.frames_of(site, project_id, named.keys() - still.keys()) | still
