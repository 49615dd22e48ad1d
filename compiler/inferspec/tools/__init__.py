"""The programs that come inside the package (cue, kustomize, objectcheck) and the only ways to run them."""

from inferspec.failures import ToolError
from inferspec.tools.objects import ObjectCheck, ObjectFinding
from inferspec.tools.pinned import find, versions
from inferspec.tools.runner import Completed, ToolLimit, run

__all__ = ["Completed", "ObjectCheck", "ObjectFinding", "ToolError", "ToolLimit", "find", "run", "versions"]
