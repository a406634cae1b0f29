"""Adapting a base model to a site: what is trained, on what, how, and the proof that it arrived."""
