"""Random manifests and edits of them, for property tests."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import strategies as st
from inferspec.plan.scalars import LARGEST_INTEGER, refusal

texts = st.text(max_size=12).filter(lambda text: not refusal(text))
scalars = st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | texts
keys = st.sampled_from(["a", "b", "a/b", "a~1", "0", "name", "on"]) | texts.filter(lambda text: text not in ("", "<<"))


def _collections(inner: Any, smallest: int) -> Any:
    named = st.lists(st.tuples(st.sampled_from("abcdef"), keys, inner), min_size=smallest, max_size=5, unique_by=lambda item: item[0])
    return (
        st.dictionaries(keys, inner, min_size=smallest, max_size=4)
        | st.lists(inner, min_size=smallest, max_size=5)
        | named.map(lambda items: [{key: item, "name": name} for name, key, item in items])
    )


trees = st.recursive(scalars, lambda inner: _collections(inner, 0), max_leaves=20)
manifests = st.dictionaries(keys, st.recursive(scalars, lambda inner: _collections(inner, 1), max_leaves=20), min_size=1, max_size=4)


class Edits:
    """Deterministic random specs and changed copies of them, without empty collections."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def spec(self) -> dict[str, Any]:
        return {key: self._node(0) for key in self._random.sample("abcdefg", 4)}

    def changed(self, spec: dict[str, Any]) -> dict[str, Any]:
        return {"z": 1, **self._changed(copy.deepcopy(spec), 0)}

    def _node(self, depth: int) -> Any:
        choice = self._random.random()
        if depth > 3 or choice < 0.3:
            return self._random.choice([0, 1, True, False, "1", "true", "a", "", "x: y", "b/c"])
        if choice < 0.55:
            return {key: self._node(depth + 1) for key in self._random.sample(["a", "b/c", "d~e", "f.g", "on", "2"], 3)}
        if choice < 0.85:
            return [{"name": name, "x": self._node(depth + 1), "y": self._node(depth + 1)}
                    for name in self._random.sample("abcde", self._random.randint(1, 4))]
        return [self._node(depth + 1) for _ in range(self._random.randint(1, 4))]

    def _changed(self, node: Any, depth: int) -> Any:
        chance = self._random.random
        if isinstance(node, dict):
            kept = {key: self._changed(item, depth + 1) for key, item in node.items() if key == "name" or chance() > 0.15}
            if chance() < 0.3:
                kept["added"] = self._node(depth + 1)
            return kept or {"kept": 1}
        if isinstance(node, list):
            kept_items = [self._changed(item, depth + 1) for item in node if chance() > 0.2]
            if chance() < 0.4:
                kept_items.insert(self._random.randint(0, len(kept_items)), {"name": "new", "x": self._node(depth + 1)})
            if chance() < 0.15:
                self._random.shuffle(kept_items)
            return kept_items or ["kept"]
        return node if chance() < 0.8 else self._node(depth)
