"""A table of rows over several folders, read lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from .reader import CatalogueError, read
from .record import Record, build

R = TypeVar("R", bound=Record)
Said = dict[str, tuple[str, int, frozenset[str]]]
"""Row id -> file, line and the keys that the last folder itself wrote."""


def merge(name: str, folders: tuple[str, ...]) -> tuple[dict[str, dict[str, Any]], Said]:
    """Rows by id, later folders over earlier ones key by key, and what the last folder said itself."""
    rows: dict[str, dict[str, Any]] = {}
    said: Said = {}
    for depth, folder in enumerate(folders):
        document = read(folder, name)
        if document is None:
            continue
        inherited = {key: document[key] for key in ("source", "asOf") if key in document}
        seen: set[str] = set()
        rows_here = document.get("rows") or []
        if not isinstance(rows_here, list):
            raise CatalogueError(document.file, 1, "rows is a list")
        for row in rows_here:
            if not isinstance(row, dict) or not isinstance(row.get("id"), str):
                raise CatalogueError(document.file, 1, "a row is a mapping with an id that is text")
            key = row["id"]
            line = document.lines.get(key, 1)
            if key in seen:
                raise CatalogueError(document.file, line, f"{key} stands here twice", key)
            seen.add(key)
            if depth:
                said[key] = (document.file, line, frozenset(row) | frozenset(inherited))
            rows[key] = rows.get(key, {}) | inherited | row
    return rows, said


class Table(Mapping[str, R], Generic[R]):
    """id -> row. Iterates in the order of the file."""

    def __init__(self, cls: type[R], name: str, folders: tuple[str, ...]) -> None:
        self._cls, self._name, self._folders = cls, name, folders
        self._built: dict[str, R] = {}

    @cached_property
    def data(self) -> dict[str, dict[str, Any]]:
        """The rows as plain mappings."""
        return merge(self._name, self._folders)[0]

    def __getitem__(self, key: str) -> R:
        if key not in self._built:
            row = self.data[key]
            try:
                self._built[key] = build(self._cls, row)
            except (ValueError, TypeError, AttributeError) as error:
                raise CatalogueError(f"{self._name}", 1, f"{key}: {error}", key) from error
        return self._built[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __contains__(self, key: object) -> bool:
        return key in self.data

    def near(self, key: str) -> list[str]:
        """Ids that look like ``key``, best first, for "did you mean"."""
        import difflib

        return difflib.get_close_matches(key.lower(), list(self.data), n=3)
