"""Frozen sets of annotated frames, split without leaks: what models are trained and measured on."""

from workbench.datasets.disk import load_manifest, load_rows, save_dataset
from workbench.datasets.manifest import Manifest, ManifestRow
from workbench.datasets.splits import SplitPlan, split_frames
from workbench.datasets.timelines import FrameToSplit

__all__ = [
    "FrameToSplit",
    "Manifest",
    "ManifestRow",
    "SplitPlan",
    "load_manifest",
    "load_rows",
    "save_dataset",
    "split_frames",
]
