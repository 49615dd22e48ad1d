"""A tool's input that is written while the tool reads, and its output as it comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from inferspec.tools import ToolError, ToolLimit, run, runner
from inferspec.tools.feed import Feed


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def install(body: str) -> None:
        path = tmp_path / "tool"
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        monkeypatch.setattr(runner, "find", lambda name: path)

    return install


def test_an_answer_can_decide_what_comes_next(script) -> None:
    script('while read line; do echo "got $line"; done')
    feed, heard = Feed(), []

    def told(said: bytes) -> None:
        heard.append(said)
        if len(heard) < 3:
            feed.write(b"%d\n" % len(heard))
        else:
            feed.close()

    feed.write(b"0\n")
    done = run("x", [], stdin=feed, told=told)
    assert (heard, done.stdout, done.rc) == ([b"got 0\n", b"got 1\n", b"got 2\n"], b"", 0)


def test_a_tool_may_stop_reading(script) -> None:
    script("echo done")
    feed = Feed()
    feed.write(b"x" * (8 << 20))
    feed.close()
    assert run("x", [], stdin=feed).stdout == b"done\n"


def test_a_dropped_feed_does_not_wait_for_the_tool(script) -> None:
    script("exec /bin/sleep 60")
    feed = Feed()
    feed.write(b"x" * (8 << 20))
    with pytest.raises(ToolLimit):
        run("x", [], stdin=feed, deadline=0.3)
    began = time.monotonic()
    feed.close(drop=True)
    feed._pool.shutdown(wait=True)
    assert time.monotonic() - began < 5


def test_a_tool_that_is_not_there_leaves_no_writer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise ToolError("missing")

    monkeypatch.setattr(runner, "find", missing)
    feed = Feed()
    feed.write(b"x" * (8 << 20))
    feed.close()
    with pytest.raises(ToolError, match="missing"):
        run("x", [], stdin=feed)
    feed._pool.shutdown(wait=True)
