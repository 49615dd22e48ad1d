"""A tool's input that is written while the tool reads, and its output as it comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from inferspec.tools import ToolError, ToolLimit, run, runner
from inferspec.tools.feed import Feed


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


def test_a_feed_that_nobody_takes_can_be_dropped() -> None:
    feed = Feed()
    feed.write(b"x" * (8 << 20))
    feed.close(drop=True)
    feed._pool.shutdown(wait=True)
    with pytest.raises(ToolError, match="interrupted"):
        run("x", [], stdin=feed)


def test_a_drop_ends_the_tool(script) -> None:
    script("echo begun; exec /bin/sleep 60")
    feed = Feed()
    began = time.monotonic()
    done = run("x", [], stdin=feed, told=lambda said: feed.close(drop=True))
    assert done.rc == -9 and time.monotonic() - began < 10


def test_the_cap_is_of_what_is_not_told_yet(script) -> None:
    script(f"i=0; while [ $i -lt 300 ]; do echo 0123456789; i=$((i+1)); done; printf {'0123456789' * 4}; exec /bin/cat")
    feed, heard = Feed(), bytearray()
    feed.close()
    assert run("x", [], stdin=feed, told=heard.extend, cap=100_000).rc == 0
    assert len(heard) == 3340
    script("while :; do printf 0123456789; done")
    with pytest.raises(ToolLimit, match="more than 1,000 bytes"):
        run("x", [], told=heard.extend, cap=1000)


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
