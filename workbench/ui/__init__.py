"""The face in the browser: a Gradio app behind the workbench's own sign-in, one tab a file.

Gradio reads its telemetry switches while it is imported, so they are set here, before any module of this package
imports it.
"""

import os

from workbench.settings import NO_TELEMETRY

__all__: list[str] = []

os.environ.update(NO_TELEMETRY)
