"""Every format against its file in ``golden``. ``REFRESH_GOLDEN=1`` writes them anew; read the difference before you keep it."""

from __future__ import annotations

import io
import json
import os
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from inferspec.diagnostics import Diagnostic, Edit, Fix, Severity, Span, Waiver
from inferspec.report import FORMATS, Report, counts, exit_code, render, summary

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"text": "txt", "json": "json", "sarif": "sarif", "github": "log", "junit": "xml", "markdown": "md"}

FILE = "specs/platform.yaml"
TEXT = (
    "apiVersion: inferspec/v1alpha1\n" * 17
    + "    accelerator: nvidia-l4   # one chip\n"
    + "name: acme\n" * 23
    + "    capacity: interactive-l4\n"
    + "    token: hf_abcdefghijklmnopqrstuvwx\n"
    + "\t日本語: e\u0301te \x1b[31m # wide\n"
    + f"    flags: [{', '.join(f'flag-{n:03}' for n in range(60))}]\n"
)
TEAM_FILE = "specs/teams/search.yaml"
TEAM = "team: search\nserving: {chat: {team: vision}}\n"

FINDINGS = [
    Diagnostic(
        "FIT001",
        "chat: gemma-3-27b-it does not fit nvidia-l4 x1",
        Span(FILE, 42, 15, 29, "24 GiB x 0.92 = 22.1 GiB a chip"),
        path=("serving", "chat", "capacity"),
        related=(Span(FILE, 18, 5, label="class interactive-l4 chooses accelerator l4 here"),),
        notes=("weights 51.1 GiB (27.4 B parameters, bf16) + KV cache for one request of 8,192 tokens 3.8 GiB",),
        help="fits on l4 x4 (g2-standard-48, tensor parallel 4) or h100 x1; fp8 weights (25.6 GiB) would need 2 chips",
    ),
    Diagnostic(
        "SYN032",
        "'hf_abcdefghijklmnopqrstuvwx' is read\nas text, 100%: really",
        Span(FILE, 43, 12, 39, "token: hf_abcdefghijklmnopqrstuvwx"),
        Severity.WARNING,
        help="quote it",
        fix=Fix("write true", (Edit(FILE, 43, 12, 43, 39, "true"),)),
    ),
    Diagnostic("SYN055", "service chat belongs to another team", Span(TEAM_FILE, 2, 24, 30), path=("serving", "chat", "team")),
    Diagnostic("ACME7", "team rule | `x` <b>*bold*</b> @octocat #1", Span(FILE, 44, 2, 5, "wide"), Severity.INFO),
    Diagnostic("SRV004", "long line", Span(FILE, 45, 413, 421, "this one"), object="Deployment search-llm/chat", field="/spec/replicas"),
    Diagnostic(
        "CAP017",
        "class h100 has no burst",
        Span(FILE, 42, 5, 13),
        path=("capacityClasses", "h100"),
        waiver=Waiver("CAP017", ("capacityClasses", "h100"), "reserved capacity only", "ml-platform", date(2027, 1, 31)),
    ),
    Diagnostic("SYN001", "specs/missing.yaml: cannot be read: no such file", Span("specs/missing.yaml", 1, 1), help="check it"),
]


def rendered(format: str, *, colour: bool = False, width: int = 120) -> str:
    stream = io.StringIO()
    render(format, Report(FINDINGS, {FILE: TEXT, TEAM_FILE: TEAM}, colour=colour, width=width), stream)
    return stream.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_format(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inferspec.report.sarif.codes", lambda: frozenset({"SYN032"}))  # other pages may change
    golden, actual = GOLDEN / f"all.{SUFFIXES[format]}", rendered(format)
    if os.environ.get("REFRESH_GOLDEN"):
        golden.write_text(actual, encoding="utf-8")
    assert actual == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_found(format: str) -> None:
    stream = io.StringIO()
    render(format, Report([]), stream)
    golden = GOLDEN / f"none.{SUFFIXES[format]}"
    if os.environ.get("REFRESH_GOLDEN"):
        golden.write_text(stream.getvalue(), encoding="utf-8")
    assert stream.getvalue() == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_shows_a_secret_or_an_escape(format: str) -> None:
    text = rendered(format)
    assert "hf_abc" not in text
    assert "\x1b" not in text
    assert "\\u001b" not in text


def test_machine_formats_parse() -> None:
    assert json.loads(rendered("json"))["version"] == 1
    sarif = json.loads(rendered("sarif"))
    results = sarif["runs"][0]["results"]
    rules = [rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in results] == [result["ruleId"] for result in results]
    assert len({result["partialFingerprints"]["inferspec/v1"] for result in results}) == len(results)
    assert sum("suppressions" in result for result in results) == 1
    suite = ElementTree.fromstring(rendered("junit"))
    assert len(suite.findall(".//testcase")) == int(suite.attrib["tests"]) == len(FINDINGS)
    assert len(suite.findall(".//failure")) == int(suite.attrib["failures"])
    commands = rendered("github").splitlines()
    assert len(commands) == len(FINDINGS) + 1
    assert all(line.startswith("::") for line in commands[:-1])


def test_fingerprints_survive_a_moved_line() -> None:
    def prints(offset: int) -> list[str]:
        stream, text = io.StringIO(), "\n" * offset + "a: NO\nb: {c: 1}\nd: NO\n"
        at = [Span("x.yaml", offset + 1, 4, 6), Span("x.yaml", offset + 3, 4, 6)]
        found = [Diagnostic("SYN032", "m", span) for span in at]
        found.append(Diagnostic("SPC001", "m", Span("x.yaml", offset + 2, 5), path=("b", "c")))
        render("sarif", Report(found, {"x.yaml": text}), stream)
        return sorted(r["partialFingerprints"]["inferspec/v1"] for r in json.loads(stream.getvalue())["runs"][0]["results"])

    assert prints(0) == prints(7)


def test_colour_changes_no_character_that_is_shown() -> None:
    coloured = rendered("text", colour=True)
    assert "\x1b[1;31merror[FIT001]" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == rendered("text")


def test_a_comment_is_never_too_long_for_github() -> None:
    many = [Diagnostic("FIT001", f"finding {n} " + "x" * 200, Span("x.yaml", n, 1), notes=("y" * 200,)) for n in range(1, 2000)]
    stream = io.StringIO()
    render("markdown", Report(many), stream)
    assert len(stream.getvalue()) < 65_536
    assert "more findings do not fit here" in stream.getvalue()


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="no such format"):
        render("masking", Report([]), io.StringIO())


def test_exit_code_and_counts() -> None:
    waived = [d for d in FINDINGS if d.waiver]
    warning = [d for d in FINDINGS if d.severity is Severity.WARNING]
    assert exit_code(FINDINGS) == 1
    assert exit_code([]) == exit_code(waived) == exit_code(warning) == 0
    assert exit_code(warning, Severity.WARNING) == exit_code(warning, Severity.INFO) == 1
    assert counts(FINDINGS) == {"error": 4, "warning": 1, "info": 1, "waived": 1}
    assert summary(FINDINGS) == "4 errors, 1 warning, 1 info, 1 waived"
    assert summary(waived) == "no problems found, 1 waived"
    assert summary([]) == "no problems found"
