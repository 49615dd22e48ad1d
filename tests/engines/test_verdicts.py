"""Argument lists that vLLM and we judge: what it refuses we refuse, and where we refuse more we mean it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Severity
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.resolve.fleet import Fleet

from tests import line
from tests.engines import architectures, judge, tiny
from tests.engines.test_emitted import INSTALLED

MODEL = "gemma-3-1b-it"
ENGINE = catalogue().engine("vllm")
FIT = ("FIT001",)
"""Said besides: a share of the memory that nothing fits into."""
OWNED = {flag.name for flag in ENGINE.flags.values() if flag.owned}


@dataclass(frozen=True)
class Verdict:
    arguments: tuple[str, ...]
    vllm: str
    ours: tuple[str, ...]
    why: str = ""
    flags: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(self.arguments)[:70] or "nothing"

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Name and value; None for a bare flag."""
        rest = list(self.arguments)
        while rest:
            name, equals, value = rest.pop(0).partition("=")
            if not equals and rest and not rest[0].startswith("-"):
                yield name, rest.pop(0)
            else:
                yield name, value if equals else None


def read() -> list[Verdict]:
    rows = yaml.safe_load((Path(__file__).parent / "verdicts.yaml").read_text(encoding="utf-8"))
    return [Verdict(tuple(row.pop("arguments")), ours=tuple(row.pop("ours")), **row) for row in rows]


CASES = read()


def codes(verdict: Verdict) -> tuple[str, ...]:
    """Our errors: the flag table's for what a key of the spec owns, those of a small spec for the rest."""
    table = catalogue().flags("vllm", INSTALLED)
    found, flags = set(), dict(verdict.flags)
    for name, value in () if flags else verdict.pairs():
        row = table.find(name)
        if name in OWNED and value is not None and row is not None:
            found |= {"SRV102"} if row.problem(value) else set()
        else:
            flags[name.lstrip("-")] = True if value is None else value
    spec = line.data("quickstart")
    spec["serving"]["chat"]["flags"] = flags
    document, _ = load_text(line.written(spec), "spec.yaml")
    assert document is not None
    platform, said = read_platform(document)
    assert platform is not None, said
    said += check(Fleet(platform, catalogue()), document, line.TODAY)[1]
    return tuple(sorted(found | {d.code for d in said if d.severity is Severity.ERROR and d.code not in FIT}))


def theirs(verdict: Verdict, folder: Path) -> str:
    given = [] if any(a.startswith("--max-model-len") for a in verdict.arguments) else ["--max-model-len=8192"]
    try:
        judge.started([*given, *verdict.arguments], folder)
    except judge.RefusedError as refusal:
        return refusal.stage
    return "takes"


@pytest.fixture(scope="module")
def folder(folders: Path) -> Path:
    """The quickstart's model, with a tokenizer, which parsers of reasoning look into."""
    tiny.tokenizer(folders / "with-tokenizer")
    return architectures.write(catalogue().models[MODEL], folders / "with-tokenizer")


@pytest.mark.parametrize("verdict", CASES, ids=str)
def test_vllm_says_so(verdict: Verdict, folder: Path) -> None:
    assert theirs(verdict, folder) == verdict.vllm


@pytest.mark.parametrize("verdict", CASES, ids=str)
def test_we_say_so(verdict: Verdict) -> None:
    assert codes(verdict) == verdict.ours


def test_what_vllm_refuses_we_refuse_and_where_we_refuse_more_we_mean_it(tell: list[str]) -> None:
    assert [str(v) for v in CASES if v.vllm != "takes" and not v.ours] == []
    assert [str(v) for v in CASES if v.vllm == "takes" and bool(v.ours) != bool(v.why)] == []
    counts = {kind: sum(v.vllm == kind for v in CASES) for kind in ("parser", "engine", "start", "takes")}
    assert all(counts.values())
    tell.append(f"{len(CASES)} argument lists: " + ", ".join(f"{kind} {count}" for kind, count in counts.items()))
