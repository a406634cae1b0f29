"""The dual encoder that a site is searched with: the base, or the adapter of a run that the site has chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from workbench.domain import utc_now
from workbench.errors import ModelError, UsageError
from workbench.footage.pictures import decode_image
from workbench.models.dual_encoder import DualEncoder, Embeddings, load_dual_encoder
from workbench.progress import Progress, silent
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe_file import load_search_recipe
from workbench.store import ChosenEncoder
from workbench.tracking import RunSummary
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.run_kinds import TUNE_SEARCH
from workbench.workflows.search_training import encoder_source
from workbench.workflows.site_models import BASE
from workbench.workflows.workspace import Workspace

__all__ = ["CURRENT", "SiteEncoder", "choose_encoder", "load_site_encoder", "tuned_search_run"]

CURRENT = "current"
_AT_ONCE = 64


@dataclass(frozen=True)
class SiteEncoder:
    """A loaded encoder, and under which ``adapter_digest`` what it saw is kept; the base has neither that nor a run.

    ``loading`` are the arguments of ``load_dual_encoder`` for a tuned encoder's base.
    """

    encoder: DualEncoder
    run: RunSummary | None = None
    adapter_digest: str = ""
    loading: Mapping[str, Any] = field(default_factory=dict)

    def untuned(self) -> DualEncoder | None:
        """Return the base of a tuned encoder, which is told classes by the same prompts; None of the base itself."""
        if self.run is None:
            return None
        return replace(load_dual_encoder(**self.loading), class_prompts=self.encoder.class_prompts)

    def embeddings(self, workspace: Workspace, frame_ids: Sequence[str], progress: Progress = silent) -> Embeddings:
        """Return ``[frames, width]`` in the order of ``frame_ids``; what nobody has looked at is looked at and kept."""
        if self.run is None:
            return looks_of(workspace, frame_ids, progress=progress).embeddings
        found = workspace.store.search.embeddings(self.adapter_digest, frame_ids)
        missing = [frame_id for frame_id in dict.fromkeys(frame_ids) if frame_id not in found]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            images = [decode_image(workspace.frame_files.read(frame_id)) for frame_id in some]
            rows = self.encoder.embed_images(images)
            made = {frame_id: rows[place] for place, frame_id in enumerate(some)}
            workspace.store.search.put_embeddings(self.adapter_digest, made)
            found |= made
            progress(start + len(some), len(missing), "pictures looked at")
        nothing = np.zeros((0, self.encoder.width), dtype=np.float32)
        return np.stack([found[frame_id] for frame_id in frame_ids]) if frame_ids else nothing


def load_site_encoder(workspace: Workspace, site: str, model: str = CURRENT) -> SiteEncoder:
    """Load ``base``, ``current`` (what the site has chosen, the base where it has not) or the adapter of a run.

    ModelError when the adapter was altered, is not the one that was chosen, or was tuned on another base.
    """
    workspace.store.sites.get(site)
    chosen = workspace.store.search.of(site) if model == CURRENT else None
    if model == BASE or (model == CURRENT and chosen is None):
        return SiteEncoder(load_dual_encoder(workspace.settings.dual_encoder_dir))
    run = tuned_search_run(workspace, site, chosen.run_id if chosen else model)
    adapter = workspace.tracker.folder(run.id, ADAPTER_PATH)
    digest = verify_adapter(adapter)
    if chosen is not None and digest != chosen.adapter_digest:
        raise ModelError(
            expected=f"the adapter {chosen.adapter_digest[:12]} that {chosen.chosen_by} chose for {site}",
            found=f"{digest[:12]} in run {run.id}",
            remedy="restore the run's files from a backup and find out who wrote to them",
        )
    base = load_search_recipe(adapter / RECIPE_FILE).base
    loading: dict[str, Any] = {"path": encoder_source(workspace, base), "revision": base.revision, "dtype": base.dtype}
    return SiteEncoder(load_dual_encoder(**loading, adapter=adapter), run, digest, loading)


def tuned_search_run(workspace: Workspace, site: str, run_id: str) -> RunSummary:
    """Return the finished run of the site that tuned a dual encoder; the beginning of its id is enough."""
    run = workspace.tracker.get(run_id)
    if (run.site, run.kind, run.state) != (site, TUNE_SEARCH, "FINISHED"):
        raise UsageError(
            expected=f"a finished run of {site} that tuned a dual encoder",
            found=f"a {run.kind or 'foreign'} run of {run.site or 'no site'} that is {run.state}",
            remedy="name a run of a recipe with `task: search`, such as recipes/search.yaml",
        )
    return run


def choose_encoder(workspace: Workspace, site: str, model: str, *, actor: str) -> ChosenEncoder | None:
    """Let the site be searched with the run ``model``, or with ``base`` (None is returned) again.

    What cannot be loaded is not chosen. Near copies, leaks and drift stay with the base, whose distances they know.
    """
    store = workspace.store
    loaded = load_site_encoder(workspace, site, model)
    chosen = None
    if loaded.run is not None:
        chosen = ChosenEncoder(site, loaded.run.id, loaded.adapter_digest, actor, utc_now())
    detail = {
        "run_id": chosen.run_id if chosen else "",
        "adapter_digest": chosen.adapter_digest if chosen else "",
        "model": loaded.encoder.version,
    }
    with store.transaction():
        if chosen:
            store.search.choose(chosen)
        else:
            store.search.choose_base(site)
        store.audit.append(actor=actor, action="search.use", subject=site, detail=detail)
    return chosen
