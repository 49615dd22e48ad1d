"""Expressions that alerts and dashboards share: names of series come from the engine's file and the stack's, ``job`` is a PodMonitoring."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from ...catalog.engines import Metric
from ...catalog.stacks import Stack

Matchers = tuple[str, ...]


def matcher(label: str, values: str | Iterable[str]) -> str:
    """Labels of Kubernetes have nothing in them that a regular expression reads otherwise."""
    held = [values] if isinstance(values, str) else list(values)
    return f'{label}="{held[0]}"' if len(held) == 1 else f'{label}=~"{"|".join(held)}"'


def job(name: str) -> Matchers:
    return (matcher("job", name),)


def selector(series: str, where: Matchers) -> str:
    return f"{series}{{{','.join(where)}}}"


def select(metric: Metric, where: Matchers, suffix: str = "", *more: str) -> str:
    """``more``: matchers beside those of the metric itself."""
    return selector(metric.series + suffix, (*where, *(matcher(key, value) for key, value in metric.labels.items()), *more))


def up(stack: Stack, where: Matchers) -> str:
    return selector(stack.collector_metrics["up"]["series"], where)


def rate(selected: str, window: str) -> str:
    return f"rate({selected}[{window}])"


def quantile(metric: Metric, where: Matchers, percent: int, by: Iterable[str] = (), window: str = "10m") -> str:
    """Estimated between two buckets."""
    buckets = rate(select(metric, where, "_bucket"), window)
    return f"histogram_quantile({number(Fraction(percent, 100))}, sum by ({', '.join([*by, 'le'])}) ({buckets}))"


def share(part: str, whole: str, window: str, by: str = "") -> str:
    """``by``: the label that it is told by."""
    clause = f" by ({by}) " if by else ""
    return f"sum{clause}({rate(part, window)}) / sum{clause}({rate(whole, window)})"


def number(value: Fraction) -> str:
    """As short as it can be written, never with an exponent: 1/20 -> 0.05."""
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
