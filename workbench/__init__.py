"""Site Workbench: adapt a vision-language model to the cameras of one site, and prove it before it is deployed."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("site-workbench")
