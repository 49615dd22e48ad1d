"""Alerts on what users may expect: how fast a service answers, how often it fails, and how fast its error budgets go."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ...catalog.engines import Metric
from ...resolve.objectives import LATENCIES, judged_by, limit, pool_series, promised, seconds, series
from ...resolve.scaling import waiting
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive, text
from ..row import Row
from . import promql
from .alert_row import CRITICAL, WARNING, derived, of_workload, wait
from .picker import picker_name

ESTIMATE = "(estimate between two buckets)"


def objectives(w: Workload) -> list[Row]:
    return [*_latencies(w), *_first_tokens(w), *_normalised(w), *_errors(w), *_budgets(w)]


# -- how fast it answers -----------------------------------------------------------------------------------------------

WORDS = {
    "ttft": ("TimeToFirstToken", "first tokens take", "the queue, then longer prompts than planned"),
    "itl": ("InterTokenLatency", "tokens take", "requests at once: max-num-seqs, prompts read between the tokens"),
    "tpot": ("TimePerOutputToken", "requests take, for each of their tokens,", "as InterTokenLatency, over whole requests"),
}
"""Alert, words, what to look at first."""


def _latencies(w: Workload) -> Iterator[Row]:
    share = limit(w, "slo", "share")
    for id, key in LATENCIES.items():
        metric, (name, words, first) = series(w, id), WORDS[id]
        if metric is None or not metric.timed:
            continue
        most = limit(w, "slo", key)
        quantile = promql.quantile(metric, promql.job(w.name), int(share.v))
        yield of_workload(
            w,
            name,
            WARNING,
            wait(w),
            derived(w, metric, f"{quantile} > {promql.number(seconds(most))}", share, most),
            text(f"{w.name}: less than {{}} % of the {words} at most {{}} {ESTIMATE}", share, most),
            first,
        )


def _errors(w: Workload) -> Iterator[Row]:
    errors, responses = series(w, "errors"), series(w, "responses")
    if errors is None or responses is None:
        return
    most = limit(w, "alerts", "errors")
    yield of_workload(
        w,
        "Errors",
        CRITICAL,
        wait(w, urgent=True),
        derived(w, errors, f"{_failed(w, errors, responses, '5m')} > {promql.number(Fraction(int(most.v), 100))}", most),
        text(f"{w.name}: more than {{}} % of the responses are server errors", most),
        "the log of the server at the first of them",
    )


def _first_tokens(w: Workload) -> Iterator[Row]:
    """With flow control a request waits before the engine's clock starts; the picker's starts when it comes."""
    metric = pool_series(w, "ttft") if waiting(w) is not None else None
    yield from _at_picker(
        w,
        ("ttft", "TimeToFirstTokenAtPicker", metric),
        "time to the first token, the wait in the picker counted",
        "first tokens take at most {} from the picker on",
        "the picker's queue (PickerQueue), then TimeToFirstToken: the difference is the wait",
    )


def _normalised(w: Workload) -> Iterator[Row]:
    """The one latency that is judged where a request ends, and only where the service has it."""
    yield from _at_picker(
        w,
        ("ntpot", "NormalisedTimePerToken", judged_by(w, "ntpot")["tpot"]),
        "time of a request / tokens of its answer",
        "requests take at most {} for each token of the answer",
        "the queue and the time to the first token: short answers wait as long for it as long ones",
    )


def _at_picker(w: Workload, of: tuple[str, str, Metric | None], what: str, said: str, look: str) -> Iterator[Row]:
    """A latency that the picker shows. ``of``: key of the objective, name of the alert, series; nothing where one is missing."""
    key, name, metric = of
    if getattr(w.service.slo, key) is None or metric is None:
        return
    share, most = limit(w, "slo", "share"), limit(w, "slo", key)
    origin = Value(metric.series, FromCatalogue(f"stacks.{w.stack.id}.metrics.{metric.id}"))
    told = f"{promql.quantile(metric, promql.job(picker_name(w)), int(share.v))} > {promql.number(seconds(most))}"
    summary = text(f"{w.name}: less than {{}} % of the {said} {ESTIMATE}", share, most)
    yield of_workload(w, name, WARNING, wait(w), derive(what, told, origin, share, most), summary, look)


# -- how fast the error budget goes ------------------------------------------------------------------------------------

WINDOWS = {"fast": ("5m", "1h", CRITICAL), "slow": ("30m", "6h", WARNING)}
"""Short window, long window, severity (Google SRE Workbook, "Alerting on SLOs", recommended windows)."""
BUDGETS = {"ttft": "TimeToFirstToken", "itl": "InterTokenLatency", "availability": "Availability"}


def _budgets(w: Workload) -> Iterator[Row]:
    factors = w.default("alerts.burn")
    for key, name in BUDGETS.items():
        if not promised(w, key):
            continue
        goal = limit(w, "slo", key if key == "availability" else "share")
        budget = 1 - Fraction(str(goal.v)) / 100
        figures = [goal] if key == "availability" else [goal, limit(w, "slo", key)]
        for speed, (short, long, severity) in WINDOWS.items():
            pace = w.catalogue.default("alerts.burn")[speed]
            most = promql.number(Fraction(str(pace)) * budget)
            metric, bad = _bad(w, key)
            yield of_workload(
                w,
                f"{name}Budget{speed.title()}",
                severity,
                w.default("alerts.burnWait"),
                derived(w, metric, f"{bad(short)} > {most} and {bad(long)} > {most}", *figures, Value("", factors.origin)),
                text(f"{w.name}: the error budget of {key} ({{}} %) burns {pace} times as fast as it may", goal),
                f"what changed within the last {long}: a version, the load, the capacity",
            )


def _bad(w: Workload, key: str) -> tuple[Metric, Any]:
    """The metric, and what a window's share of requests beyond the objective is, from 0 to 1."""
    if key == "availability":
        errors, responses = series(w, "errors"), series(w, "responses")
        assert errors is not None and responses is not None, "promised says so"
        return errors, lambda window: _failed(w, errors, responses, window)
    metric = series(w, key)
    assert metric is not None, "promised says so"
    most = promql.number(seconds(limit(w, "slo", key)))
    # Whole seconds are "2" or "2.0", as the library of the engine writes them.
    le = f'le="{most}"' if "." in most else f'le=~"{most}([.]0)?"'
    own = promql.job(w.name)
    good, all_ = promql.select(metric, own, "_bucket", le), promql.select(metric, own, "_count")
    return metric, lambda window: f"(1 - {promql.share(good, all_, window)})"


def _failed(w: Workload, errors: Metric, responses: Metric, window: str) -> str:
    own = promql.job(w.name)
    return f"({promql.share(promql.select(errors, own), promql.select(responses, own), window)})"
