"""One file a family of models, which ``workbench.models.family`` lists; each defines ``FAMILY``."""
