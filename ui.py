"""Start the workbench's web face: ``python ui.py`` does what ``workbench ui`` does."""

from workbench.ui.server import serve
from workbench.workflows.keys import with_keys
from workbench.workflows.workspace import Workspace

if __name__ == "__main__":
    serve(with_keys(Workspace.open()))
