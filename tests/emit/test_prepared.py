"""Programs of templates that the build makes: the same as those made here, and none that is of another text."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace as Row
from typing import Any

import pytest
from inferspec.plan import templates
from inferspec.plan.skeleton import Skeletons, package_template
from inferspec.plan.templates import PREPARED, TemplateError, prepare, with_parts
from inferspec.values import SpecAt, Value

TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: ns\ndata:\n  k: {{ row.k }}\n"


@pytest.fixture(autouse=True)
def fresh() -> Any:
    templates._prepared.cache_clear()
    yield
    templates._prepared.cache_clear()


def test_the_package_has_every_template_that_stands_alone() -> None:
    """Of the texts and rules as they are, or a build is missing: python tools/assemble.py."""
    made = json.loads(prepare(PREPARED.parent))
    assert json.loads(PREPARED.read_text(encoding="utf-8")) == made
    included = {part for name in made for part in templates._PART.findall(package_template(name))}
    assert {file.name.removesuffix(".yaml.j2") for file in PREPARED.parent.glob("*.j2")} == made.keys() | {name for _, name in included}


def drawn(text: str) -> Any:
    return Skeletons(lambda name: text).object("a", Row(k=Value("v", SpecAt(("x",))))).tree()["data"]


@pytest.mark.parametrize("broken", [None, "[", "[1]", "null", '{"a": 5}', '["x"]', '{"a": ["0", "raise SystemExit"]}'])
def test_without_a_program_of_this_very_text_one_is_made(broken: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "PREPARED", tmp_path / "prepared.json")
    if broken is not None:
        (tmp_path / "prepared.json").write_text(broken)
    assert drawn(TEMPLATE) == {"k": "v"}


def test_a_program_of_the_build_is_used_and_names_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "PREPARED", tmp_path / "prepared.json")
    text = TEMPLATE.replace("row.k", "row.nothing")
    (tmp_path / "a.yaml.j2").write_text(text)
    (tmp_path / "prepared.json").write_text(prepare(tmp_path))
    monkeypatch.setattr(templates, "_program", None)
    with pytest.raises(TemplateError, match=r"^a\.yaml\.j2:7: there is no 'nothing'$"):
        drawn(text)


def test_a_change_of_the_rules_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    source = with_parts(package_template("service"), package_template)
    before = templates._digest(source)
    monkeypatch.setattr(templates, "_rules", lambda: b"others")
    assert templates._digest(source) != before
