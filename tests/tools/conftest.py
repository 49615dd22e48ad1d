"""A tool of one's own in the place of the package's."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.tools import runner


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a shell script stand where a tool is looked for: only `find` is set aside, the running is real."""

    def install(body: str) -> None:
        path = tmp_path / "tool"
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        monkeypatch.setattr(runner, "find", lambda name: path)

    return install
