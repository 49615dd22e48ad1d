"""What the environment can refuse: the last resort of every command, so that naming them imports nothing."""

from __future__ import annotations


class WriteError(OSError):
    """The tree could not be written; the message says what stands now."""


class ToolError(Exception):
    """A tool is missing, is not the pinned one or cannot be run: exit code 4. The message says what to do."""
