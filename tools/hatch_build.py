"""Hatchling build hook: the wheel carries the tools, the CRDs and the programs of templates, and is tagged for this platform."""

from __future__ import annotations

import platform
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from assemble import assemble


class ToolsBuildHook(BuildHookInterface):
    """Runs before a wheel, ordinary or editable, is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill what the package ignores and name the platform. Raises gobuild.BuildError."""
        assemble()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def platform_tag() -> str:
    """The wheel's platform: the executables are static, so on Linux any glibc and any musl will do."""
    machine = platform.machine()
    if sys.platform == "linux":
        return f"manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"
    if sys.platform == "darwin":  # Go 1.26 asks for macOS 12
        return f"macosx_12_0_{machine}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
