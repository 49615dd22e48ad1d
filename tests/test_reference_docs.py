"""docs/reference.md lists every row that the reference spec has otherwise, with the compiler's answer to the row as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests import docs, line
from tests.test_reference import NOTES, ROWS, TABLE
from tests.test_reference_classes import CLASSES

PAGE = line.ROOT / "docs/reference.md"


def shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {word(v)}" for key, v in values.items())


def word(value: Any) -> Any:
    if isinstance(value, dict):
        return " + ".join(f"{key} {word(v)}" if v else key for key, v in value.items())
    return "none" if value is None else " ".join(value) if isinstance(value, list) else value


def collected(entries: Iterable[tuple[str, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """One line for all workloads of which the same is said."""
    found: dict[tuple[str, ...], list[str]] = {}
    for workload, said in entries:
        found.setdefault(said, []).append(workload)
    return [(", ".join(names), *said) for said, names in found.items()]


def settings() -> Iterator[tuple[str, tuple[str, ...]]]:
    for row in ROWS:
        differs = {key: v for key, v in row["differs"].items() if key not in NOTES and key != "image"}
        if differs:
            was = {key: None if key == "args" else row.get(key) for key in differs}
            answer = f"{row['differs']['code']}: {row['differs']['says']}" if "code" in row["differs"] else ""
            yield row["workload"], (shown(was), shown(differs), answer, row["differs"]["why"])


def images() -> list[tuple[str, ...]]:
    """Of a group, or of a row that has one of its own."""
    found = []
    for group in TABLE:
        if differs := group.get("differs"):
            found.append((group["technique"], group.get("image", "not said"), differs["image"], differs["why"]))
        own = [row for row in group["rows"] if "image" in row.get("differs", {})]
        found += [(row["workload"], row["image"], row["differs"]["image"], row["differs"]["why"]) for row in own]
    return found


def test_the_docs_have_every_row_that_differs(refresh: bool) -> None:
    heads = ("workloads", "reference", "here", "answer to the reference", "reason")
    assert docs.held(PAGE, docs.table(heads, collected(settings())), refresh), "pytest --refresh writes the table anew"


def test_the_docs_have_every_image_that_differs(refresh: bool) -> None:
    heads = ("technique or workload", "image of the reference", "here", "reason")
    assert docs.held(PAGE, docs.table(heads, images()), refresh), "pytest --refresh writes the table anew"


def test_the_docs_have_every_picker_that_differs(refresh: bool) -> None:
    found: dict[tuple[str, ...], list[str]] = {}
    for group in TABLE:
        if differs := group.get("routed", {}).get("differs"):
            instead = {key: v for key, v in differs.items() if key != "why"}
            said = (shown({key: group["routed"].get(key) for key in instead}), shown(instead), differs["why"])
            found.setdefault(said, []).append(group["technique"])
    rows = [("; ".join(techniques), *said) for said, techniques in found.items()]
    assert docs.held(PAGE, docs.table(("pickers of", "reference", "here", "reason"), rows), refresh), "pytest --refresh"


def test_the_docs_have_every_class_that_differs(refresh: bool) -> None:
    rows = []
    for group in CLASSES:
        if said := group.get("differs"):
            rows.append((", ".join(group["classes"]), " > ".join(said["order"]), f"{said['code']}: {said['says']}", said["why"]))
        elif "own" in group:
            rows.append((", ".join(group["own"]), "not in the spec", "none: they compile", group["why"]))
    assert docs.held(PAGE, docs.table(("class", "here", "answer to the reference", "why"), rows), refresh), "pytest --refresh"
