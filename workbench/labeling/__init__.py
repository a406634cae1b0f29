"""Frames to people and their say back: label configuration, images, tasks and annotations in Label Studio."""
