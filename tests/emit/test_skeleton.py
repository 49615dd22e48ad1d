"""Templates and rows: what a template may say, and what an object keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace as Row
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inferspec.plan.objects import Identity, Object
from inferspec.plan.skeleton import Skeletons, pointers, unfold
from inferspec.plan.template_rules import TemplateError
from inferspec.plan.templates import Template
from inferspec.values import Default, Value, cluster_fact

HEAD = "apiVersion: example.dev/v1\nkind: Thing\nmetadata:\n  name: thing\n"


def value(v: Any) -> Value:
    return Value(v, Default("test"))


def make(body: str, **fields: Any) -> Object:
    return Skeletons(lambda _: HEAD + body).object("thing", Row(**fields))


ROW = {"x": value("a"), "none": None, "flag": True, "map": {"a": value(1)}, "empty": [], "list": ["a"], "record": Row(a=1, t="a")}

# Line 5 is the first line of each body.
VIOLATIONS = {
    "comparison": ("{% if row.x > 1 %}\na: 1\n{% endif %}", 5, "decide in the view"),
    "membership": ("a: 1\n{% if row.x in row.list %}\nb: 1\n{% endif %}", 6, "decide in the view"),
    "text before": ("a: 1\nb: --model={{ row.x }}", 6, "part of a scalar"),
    "text after": ("a: {{ row.x }}.svc", 5, "one whole scalar"),
    "two holes": ("a: {{ row.x }}{{ row.x }}", 5, "one whole scalar"),
    "two holes and text": ("a: {{ row.x }}-{{ row.x }}", 5, "one whole scalar"),
    "concatenation": ("a: {{ '--m=' ~ row.x }}", 5, "join with text()"),
    "percent": ("a: {{ '%s' % row.x }}", 5, "compute in the view"),
    "format": ("a: {{ '{}'.format(row.x) }}", 5, "compute in the view"),
    "arithmetic": ("a: {{ row.x + 1 }}", 5, "compute in the view"),
    "filter int": ("a: {{ row.x | int }}", 5, "a filter"),
    "filter upper": ("a: {{ row.x | upper }}", 5, "a filter"),
    "filter join": ("a: {{ row.list | join }}", 5, "a filter"),
    "test": ("{% if row.x is defined %}\na: 1\n{% endif %}", 5, "a test"),
    "key": ("a: 1\n{{ row.x }}: 1", 6, "a hole in a key"),
    "text as a key": ("a: 1\n{{ row.record.t }}: 1", 6, "a hole in a key"),
    "text as an item": ("a: 1\nb: {{ row.map[row.record.t] }}", 6, "no item"),
    "macro": ("{% macro m(x) %}{{ x }}{% endmacro %}\na: 1", 5, "a macro"),
    "call of a macro": ("a: {{ m(row.x) }}", 5, "a call"),
    "block scalar": ("a: |\n  {{ row.x }}", 6, "part of a scalar"),
    "single quotes": ("a: '{{ row.x }}'", 5, "part of a scalar"),
    "double quotes": ('a: "{{ row.x }}"', 5, "one whole scalar"),
    "comment": ("a: 1 # {{ row.x }}", 5, "does not reach"),
    "undefined": ("a: 1\nb: {{ row.nope }}", 6, "'nope'"),
    "undefined in if": ("a: 1\n{% if row.nope %}\nb: 1\n{% endif %}", 6, "'nope'"),
    "undefined below": ("a: {{ row.record.nope }}", 5, "'nope'"),
    "method of a map": ("a: {{ row.map.items }}", 5, "'items'"),
    "call of a method": ("a: {{ row.map.values() }}", 5, "a call"),
    "none": ("a: {{ row.none }}", 5, "None"),
    "empty list": ("a: {{ row.empty }}", 5, "empty"),
    "record": ("a: {{ row.record }}", 5, "a record"),
    "loop over a value": ("a:\n{% for i in row.x %}\n- {{ i }}\n{% endfor %}", 6, "opaque"),
    "loop variable": ("{% for i in row.list %}\na: {{ loop.index }}\n{% endfor %}", 6, "unknown name"),
    "loop with a condition": ("{% for i in row.list if i %}\na: {{ i }}\n{% endfor %}", 5, "one list"),
    "another name": ("a: {{ settings.x }}", 5, "unknown name"),
    "global": ("a: {{ range }}", 5, "unknown name"),
    "choice": ("a: {{ row.x if row.flag else row.x }}", 5, "decide in the view"),
    "literal": ("a: {{ 'text' }}", 5, "a literal"),
    "include": ("{% include 'other' %}\na: 1", 5, "not allowed"),
    "raw mark": ("a: \ue0000\ue001", 1, "reserved"),
    "syntax": ("a: {{ row.x", 5, "print"),
    "two objects": ("a: 1\n---\nb: 1", 1, "one object"),
    "bare yes": ("a: yes", 5, "quote it"),
    "bare octal": ("a: 012", 5, "quote it"),
    "bare time": ("a: 12:30", 5, "quote it"),
    "bare date": ("a: 2020-01-01", 5, "quote it"),
    "float": ("a: 1.5", 5, "quote it"),
    "big integer": ("a: 9007199254740993", 5, "2^53"),
    "null": ("a: null", 5, "omit"),
    "nothing": ("a:", 5, "omit"),
    "empty map": ("a: {}", 1, "empty"),
    "anchor": ("a: &x 1\nb: *x", 5, "anchors"),
    "tag": ("a: !!str 1", 5, "tag"),
    "merge": ("a: {<<: {b: 1}}", 5, "merge"),
    "duplicate": ("a: 1\na: 2", 6, "duplicate"),
    "key that retypes": ("yes: 1", 5, "quote it"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_template_that_breaks_a_rule_names_template_and_line(name: str) -> None:
    body, line, problem = VIOLATIONS[name]
    with pytest.raises(TemplateError) as raised:
        make(body, **ROW)
    assert problem in raised.value.problem
    assert str(raised.value).startswith(f"thing.yaml.j2:{line}: ")


def test_there_means_not_none() -> None:
    body = "all:\n{% for item in row.all %}\n- k: 1\n{% if item.x %}\n  there: {{ item.x }}\n{% endif %}\n{% endfor %}"
    items = [Row(x=x) for x in [value(0), value(""), value(False), 0, "", True, None, False]]
    tree = make(body, all=items).tree()
    assert [item.get("there", "absent") for item in tree["all"]] == [0, "", False, 0, "", True, "absent", "absent"]


def test_conditions_combine_and_choose() -> None:
    body = "a:\n{% if row.a and not row.b %}\n  only: a\n{% elif row.b or row.c %}\n  only: b\n{% else %}\n  only: none\n{% endif %}"
    assert make(body, a=value(1), b=None, c=None).tree()["a"]["only"] == "a"
    assert make(body, a=None, b=value(0), c=None).tree()["a"]["only"] == "b"
    assert make(body, a=None, b=None, c=None).tree()["a"]["only"] == "none"


def test_maps_lists_set_and_keys() -> None:
    body = """a: {{ row.map }}
b: [{{ row.x }}, {{ row.list }}]
{% set inner = row.record %}
c: {{ inner.deep }}
d:
{% for key in row.map %}
  {{ key }}: {{ row.map[key] }}
{% endfor %}
e: {{ row.map["on"] }}
"""
    odd = {"on": value("off"), "a: b": value("- x"), "1e3": "~"}
    obj = make(body, map=odd, x=value('" }}\n---'), list=[1, value(True)], record=Row(deep=[{"k": value("v")}]))
    plain = {"on": "off", "a: b": "- x", "1e3": "~"}
    assert obj.tree() | {"metadata": None} == {
        "apiVersion": "example.dev/v1", "kind": "Thing", "metadata": None,
        "a": plain, "b": ['" }}\n---', [1, True]], "c": [{"k": "v"}], "d": plain, "e": "off",
    }


def test_rows_of_one_text_have_their_own_values_and_mistakes() -> None:
    """What was read for one row stands for no other: plain text, collections, holes and what may not be printed."""
    skeletons = Skeletons(lambda _: HEAD + "a: {{ row.a }}\nb: {{ row.b }}")
    rows = [Row(a="x", b={"k": value(1)}), Row(a="y", b=["1", 2]), Row(a=value("z"), b="b")]
    made = [skeletons.object("thing", row).tree() for row in rows]
    assert [(tree["a"], tree["b"]) for tree in made] == [("x", {"k": 1}), ("y", ["1", 2]), ("z", "b")]
    made[1]["b"].append(3)
    assert skeletons.object("thing", Row(a="w", b=["1", 2])).tree()["b"] == ["1", 2]
    for row, line in ((Row(a="x", b=None), 6), (Row(a=[], b="b"), 5)):
        with pytest.raises(TemplateError) as raised:
            skeletons.object("thing", row)
        assert raised.value.line == line


@given(st.text(), st.integers(), st.booleans())
def test_values_pass_unchanged(text: str, number: int, truth: bool) -> None:
    tree = SHARED.object("thing", Row(a=value(text), b=value(number), c=value(truth), map={"k": value(text)})).tree()
    assert (tree["a"], tree["b"], tree["c"], tree["d"]) == (text, number, truth, {"k": text})
    assert type(tree["b"]) is int


SHARED = Skeletons(lambda _: HEAD + "a: {{ row.a }}\nb: {{ row.b }}\nc: {{ row.c }}\nd: {{ row.map }}\n")


def test_a_template_is_rendered_once_a_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []
    monkeypatch.setattr(Template, "render", lambda self, row, render=Template.render: rendered.append(row) or render(self, row))
    skeletons = Skeletons(lambda _: HEAD + "a: {{ row.a }}\nb: {{ row.b }}")
    rows = [Row(a="x", b=[1]), Row(a="y", b=[2]), Row(a="y", b=[2]), Row(a="y", b=[value(2)]), Row(a="y", b=[2, 3])]
    made = [skeletons.object("thing", row) for row in rows]
    assert [obj.tree()["b"] for obj in made] == [[1], [2], [2], [2], [2, 3]]
    assert len(rendered) == 3
    assert made[1].skeleton is made[2].skeleton is not made[0].skeleton


def test_one_skeleton_a_shape() -> None:
    skeletons = Skeletons(lambda _: HEAD + "a: {{ row.a }}\n")
    same = [skeletons.object("thing", Row(a=value(v))) for v in ("x", 1, True)]
    assert len({id(obj.skeleton) for obj in same}) == 1
    assert [obj.tree()["a"] for obj in same] == ["x", 1, True]
    plain = [skeletons.object("thing", Row(a=v)) for v in (True, 1, "1")]
    assert len({id(obj.skeleton) for obj in plain}) == 3
    assert [type(obj.tree()["a"]) for obj in plain] == [bool, int, str]


def test_shape_tells_structures_apart() -> None:
    skeletons = Skeletons(lambda _: HEAD + "a: {{ row.a }}\n")
    shapes = [[["a"], "b"], [["a", "b"]], {"a": "b"}, {"a": ["b"]}, {"a": {"b": "c"}}, {"a": "b", "c": "d"}, ["a", "b", "c", "d"]]
    assert [skeletons.object("thing", Row(a=shape)).tree()["a"] for shape in shapes] == shapes


@dataclass(frozen=True, slots=True)
class Pool:
    name: Value
    size: Value | None = None


class Stage(StrEnum):
    PROD = "prod"


class WithMethod:
    pass


@dataclass
class Busy:
    a: int = 1

    def items(self) -> None: ...


def test_records_may_be_dataclasses_without_methods() -> None:
    body = "a: {{ row.pool.name }}\n{% if row.pool.size %}\nb: {{ row.pool.size }}\n{% endif %}"
    assert make(body, pool=Pool(value("x"))).tree()["a"] == "x"
    for bad in (Stage.PROD, WithMethod(), 1.5, {1, 2}, Busy()):
        with pytest.raises(TypeError):
            make("a: {{ row.x }}", x=bad)


def test_identity_is_plain() -> None:
    obj = make("a: 1")
    assert obj.identity == Identity("example.dev", "v1", "Thing", "", "thing")
    holes = Skeletons(lambda _: "apiVersion: v1\nkind: Thing\nmetadata:\n  name: {{ row.name }}\n  namespace: {{ row.space }}\n")
    with pytest.raises(TemplateError, match="only with the identity given"):
        holes.object("thing", Row(name=value("a"), space="b"))
    own = Identity("", "v1", "Thing", "b", "a")
    assert holes.object("thing", Row(name=value("a"), space=value("b")), own).identity == own
    assert holes.object("thing", Row(name=cluster_fact("cluster"), space=value("b")), own).identity == own
    with pytest.raises(TemplateError, match="not Thing b/a"):
        holes.object("thing", Row(name=value("other"), space="b"), own)
    with pytest.raises(TemplateError, match="not Thing b/a"):
        holes.object("thing", Row(name="other", space="b"), own)
    for broken in ("kind: Thing\nmetadata: {name: a}\n", "apiVersion: v1\nkind: {{ row.name }}\nmetadata: {name: a}\n",
                   "apiVersion: v1\nkind: Thing\n", "apiVersion: v1\nkind: Thing\nmetadata: {namespace: a}\n"):
        with pytest.raises(TemplateError, match="must be plain text"):
            Skeletons(lambda _, text=broken: text).object("thing", Row(name=value("K")))


def test_every_leaf_has_a_pointer_and_the_holes_their_values() -> None:
    seen = value("v")
    obj = make("a:\n- b/c~d: {{ row.x }}\n- lit\n- {{ row.x }}\n", x=seen)
    found = dict(pointers(obj))
    assert found["/a/0/b~1c~0d"] is seen and found["/a/2"] is seen
    assert found["/a/1"] is None and found["/kind"] is None
    assert obj.skeleton.holes == (("a", 0, "b/c~d"), ("a", 2))


def test_a_patched_object_folds_back() -> None:
    skeletons = Skeletons(lambda _: HEAD + "a: {{ row.x }}\nb: [1]\n")
    obj = skeletons.object("thing", Row(x=value("v")))
    tree = unfold(obj)
    tree["b"].append(patched := value("new"))
    again = skeletons.fold("thing", tree)
    assert again.tree() == {**obj.tree(), "b": [1, "new"]}
    assert dict(pointers(again))["/b/1"] is patched
    assert skeletons.fold("thing", tree).skeleton is again.skeleton
    tree["metadata"]["name"] = value("other")
    with pytest.raises(TemplateError):
        skeletons.fold("thing", tree)


def test_filled_trees_are_the_callers_own() -> None:
    obj = make("a: [{b: 1}]")
    obj.tree()["a"][0]["b"] = 2
    assert obj.tree()["a"] == [{"b": 1}]


def test_facts_are_sentinels_until_bound() -> None:
    obj = make("a: {{ row.x }}", x=cluster_fact("cluster"))
    assert obj.tree()["a"] == "set-by-cluster"
    assert obj.tree({"cluster": "c1"})["a"] == "c1"
