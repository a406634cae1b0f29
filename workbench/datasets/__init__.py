"""Frozen sets of annotated frames, split without leaks: what models are trained and measured on."""

from workbench.datasets.disk import StoredRows, export_dataset, load_manifest, save_dataset
from workbench.datasets.manifest import AllowedLeaks, Manifest, ManifestRow, text_to_manifest
from workbench.datasets.splits import SplitPlan, split_frames
from workbench.datasets.timelines import FrameToSplit

__all__ = [
    "AllowedLeaks",
    "FrameToSplit",
    "Manifest",
    "ManifestRow",
    "SplitPlan",
    "StoredRows",
    "export_dataset",
    "load_manifest",
    "save_dataset",
    "split_frames",
    "text_to_manifest",
]
