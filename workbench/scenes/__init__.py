"""Rendered scenes with truth: what the embedded base models are pre-trained on."""

from workbench.scenes.scene import Question, Scene, render_scene

__all__ = ["Question", "Scene", "render_scene"]
