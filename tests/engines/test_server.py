"""A real server, started with the arguments that a spec emits: it answers, and exports every series the catalogue names."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

import pytest
from inferspec.catalog import catalogue

from tests.engines import emitted, judge, serving, tiny
from tests.engines.emitted import CommandLine
from tests.engines.serving import Server

ENGINE = catalogue().engine("vllm")
VERSION = "0.32.0"
REPLACED = ("--model", "--port")
ADDED = ("--host=127.0.0.1", "--enable-lora")
"""Loopback alone; and the flag of a catalogued series."""


def chosen() -> CommandLine:
    return next(line for line in emitted.collected()[0] if line.where.startswith("quickstart-") and line.version == VERSION)


LINE = chosen()
NAME = LINE.flags["--served-model-name"]
TOKENS = int(LINE.flags["--max-model-len"] or 0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tell: list[str]) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    port = serving.free_port()
    model = tiny.write(folder / "model", TOKENS)
    own = [argument for argument in LINE.arguments if argument.partition("=")[0] not in REPLACED]
    command = [sys.executable, *ENGINE.command[1:], *own, f"--model={model}", f"--port={port}", *ADDED]
    settled = {**os.environ, **judge.ENVIRONMENT, **ENGINE.env["all"], "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "INFO"}
    with serving.running(command, settled, port, folder / "server.log") as started:
        seconds = started.await_healthy(ENGINE.health_path)
        tell.append(f"server with the arguments of {LINE.where}: {' '.join(own)}; replaced {' '.join(REPLACED)}; added {' '.join(ADDED)}")
        yield started
        sizes = " + ".join(f"{gb:.2f}" for gb in sorted(started.memory().values(), reverse=True) if gb > 0.1)
        tell.append(f"server: healthy after {seconds:.0f} s, peak resident GB of its processes {sizes}")
    assert started.process.poll() is not None
    assert not started.listening()


def test_it_answers_under_the_name_that_was_emitted(server: Server) -> None:
    (model,) = server.ask("/v1/models").json["data"]
    assert (model["id"], model["max_model_len"]) == (NAME, TOKENS)
    reply = server.ask("/v1/completions", {"model": NAME, "prompt": "the compiler writes", "max_tokens": 8, "ignore_eos": True})
    assert reply.status == 200, reply.body
    assert reply.json["usage"]["completion_tokens"] == 8
    chat = server.ask("/v1/chat/completions", {"model": NAME, "messages": [{"role": "user", "content": "a server"}], "max_tokens": 4})
    assert chat.status == 200, chat.body


def test_it_refuses_what_it_does_not_have(server: Server) -> None:
    assert server.ask("/v1/completions", {"model": "another", "prompt": "a", "max_tokens": 1}).status == 404
    too_long = server.ask("/v1/completions", {"model": NAME, "prompt": "a", "max_tokens": TOKENS + 1})
    assert too_long.status == 400
    assert str(TOKENS) in too_long.body


def test_every_catalogued_series_is_exported_with_its_type(server: Server) -> None:
    assert server.ask("/v1/completions", {"model": NAME, "prompt": "0 1 2", "max_tokens": 4}).status == 200
    page = server.ask(ENGINE.metrics_path).body.splitlines()
    types = dict(line.split()[2:4] for line in page if line.startswith("# TYPE "))
    claimed = {metric.series: metric.type for metric in ENGINE.metrics if metric.exists_in(VERSION)}
    assert len(claimed) >= 15
    assert {series: types.get(series) for series in claimed} == claimed
    silent = [series for series in claimed if not any(line.startswith(series) for line in page)]
    assert silent == [], "declared, and without a sample"
    flags = {metric.flag for metric in ENGINE.metrics if metric.flag}
    assert flags <= {*ADDED}, "run the server with the flag of a series that needs one"


def test_histograms_have_the_catalogued_bounds(server: Server) -> None:
    """An objective is refused unless it is one of them, and its alerts select it by this text."""
    page = server.ask(ENGINE.metrics_path).body
    known = {
        metric.series: metric.boundaries(VERSION) for metric in ENGINE.metrics if metric.exists_in(VERSION) and metric.boundaries(VERSION)
    }
    assert len(known) >= 2
    for series, bounds in known.items():
        told = re.findall(rf'^{series}_bucket{{[^}}]*le="([^"]+)"', page, re.MULTILINE)
        assert tuple(float(le) for le in told if le != "+Inf") == bounds, series
        assert [le for le in told if le != "+Inf"] == [str(float(bound)) for bound in bounds]


def test_server_errors_are_counted_apart(server: Server) -> None:
    assert server.ask("/v1/completions", {"model": "another", "prompt": "a", "max_tokens": 1}).status == 404
    page = server.ask(ENGINE.metrics_path).body
    told = set(re.findall(r'^http_requests_total{[^}]*status="([^"]+)"', page, re.MULTILINE))
    assert "4xx" in told and told <= {"2xx", "4xx", "5xx"}
    assert 'handler="/health"' not in page


def test_series_that_the_catalogue_ended_before_are_gone(server: Server) -> None:
    page = server.ask(ENGINE.metrics_path).body
    ended = [metric.series for metric in ENGINE.metrics if not metric.exists_in(VERSION)]
    assert ended
    assert [series for series in ended if f"{series}{{" in page or f"{series}_count" in page] == []
