"""Buckets by where they are: each is in one location."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from .context import Context


def located(context: Context) -> Iterator[Diagnostic]:
    """A bucket that two locations name, in one store or in two, is in one of them at most."""
    first: dict[str, SpecPath] = {}
    written: list[SpecPath] = [("storage", name, "buckets", place) for name, s in context.platform.storage.items() for place in s.buckets]
    for at in sorted(written, key=lambda path: (context.span(path).line, context.span(path).column)):
        bucket, location = context.platform.storage[str(at[1])].buckets[str(at[3])], str(at[3])
        there = first.setdefault(bucket, at)
        if there[3] != location:
            yield context.finding(
                "STO120",
                f"bucket {bucket} is in {there[3]} before and in {location} here",
                at,
                related=(context.span(there, "the other location"),),
                notes=("a bucket has one location, which is said when it is made and never changes",),
                help=f"a bucket of its own for {location}, or one entry of a dual- or multi-region that holds both",
            )
