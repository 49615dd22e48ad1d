"""Objects from rows: a template is rendered once per structure, with numbered holes, and never again.

What a template can ask of a row is its structure: None, booleans, keys, the length of lists. Its leaves are values, text and
numbers; rows of one structure make the same tree of them. A ``Value`` stays a hole of the skeleton, the other leaves are part
of it: two rows that differ in values alone share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..values import Value
from .objects import Identity, Object, Skeleton
from .scalars import refusal
from .template_rules import TemplateError
from .templates import Opaque, RecordView, Template, environment, with_parts

_PACKAGE_TEMPLATES = Path(__file__).parent.parent / "templates"
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "namespace"), ("metadata", "name"))


class Hole:
    """Leaf ``i`` of a skeleton's tree."""

    __slots__ = ("i",)

    def __init__(self, i: int) -> None:
        self.i = i

    def __repr__(self) -> str:
        return f"Hole({self.i})"


class _Outline(NamedTuple):
    """What rows of one structure make: hole ``k`` of the tree stands at ``paths[k]`` and takes leaf ``sources[k]`` of the row."""

    tree: Any
    sources: tuple[int, ...]
    paths: tuple[tuple[str | int, ...], ...]


class _Form(NamedTuple):
    """A skeleton, which leaf of the row each of its holes takes, and the identity its plain fields give."""

    skeleton: Skeleton
    sources: tuple[int, ...]
    identity: Identity
    open_identity: tuple[tuple[int, int], ...]


def package_template(name: str) -> str:
    return (_PACKAGE_TEMPLATES / f"{name}.yaml.j2").read_text(encoding="utf-8")


class Skeletons:
    """Makes objects of templates and rows; ``loader`` maps a template's name to its text."""

    def __init__(self, loader: Callable[[str], str] = package_template) -> None:
        self._loader = loader
        self._environment = environment()
        self._templates: dict[str, Template] = {}
        self._outlines: dict[Any, _Outline] = {}
        self._forms: dict[Any, _Form] = {}
        self._record_fields: dict[type, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def object(self, template: str, row: Any, identity: Identity | None = None) -> Object:
        """The object that ``template`` makes of ``row``.

        apiVersion, kind, namespace and name must be plain. Where ``identity`` is given (objects that only one cluster
        has), namespace and name may be values; all four must then say what ``identity`` says.
        """
        form, leaves = self._made(template, row, self._render)
        if identity is None and not form.open_identity:
            return Object(form.identity, form.skeleton, leaves)
        return Object(_agreed(form, identity, leaves), form.skeleton, leaves)

    def fold(self, template: str, tree: dict[str, Any]) -> Object:
        """The object whose manifest is ``tree``, with values as leaves: the inverse of ``unfold``, for patched objects."""
        form, leaves = self._made(template, tree, lambda _, tree: _with_holes(tree, iter(range(1 << 30))))
        if form.open_identity:
            raise TemplateError(template, 1, "a value in apiVersion, kind, namespace or name")
        return Object(form.identity, form.skeleton, leaves)

    def _made(self, template: str, row: Any, draw: Callable[[str, Any], dict[str, Any]]) -> tuple[_Form, tuple[Value, ...]]:
        """``draw`` makes a tree with the row's leaves as holes, in the order of ``_structure``."""
        leaves: list[Value | str | int] = []
        structure = template, self._structure(row, leaves)
        shape = structure, *[leaf for leaf in leaves if type(leaf) is not Value]
        form = self._forms.get(shape)
        if form is None:
            outline = self._outlines.get(structure)
            if outline is None:
                outline = self._outlines[structure] = _outline(template, draw(template, row))
            form = self._forms[shape] = _form(template, outline, leaves)
        return form, tuple([leaves[i] for i in form.sources])  # type: ignore[misc]  # the sources of a form are values

    def _render(self, template: str, row: Any) -> dict[str, Any]:
        if template not in self._templates:
            self._templates[template] = Template(template, with_parts(self._loader(template), self._loader), self._environment)
        counter = iter(range(1 << 30))
        seen = self._view(row, counter)
        if not isinstance(seen, RecordView):
            raise TypeError(f"{template}: a row is a record, not {type(row).__name__}")
        return self._templates[template].render(seen)

    def _fields(self, kind: type, row: Any) -> tuple[str, ...]:
        if kind is SimpleNamespace:
            return tuple(vars(row))
        names = self._record_fields.get(kind)
        if names is None:
            if not is_dataclass(kind):
                raise TypeError(f"{kind.__name__} cannot stand in a row: Value, None, bool, str, int, list, dict or a dataclass")
            names = tuple(field.name for field in fields(kind))
            methods = [name for name in dir(kind) if not name.startswith("_") and name not in names]
            if methods:
                raise TypeError(f"row {kind.__name__} has {methods[0]!r}: rows are records without methods")
            self._record_fields[kind] = names
        return names

    def _structure(self, node: Any, leaves: list[Value | str | int]) -> Any:
        """A hashable form of everything but the leaves, which are appended in the order ``_view`` numbers them."""
        kind = type(node)
        if kind is Value or kind is str or kind is int:
            leaves.append(node)
            return kind
        if node is None or kind is bool:
            return node
        if kind is list or kind is tuple:
            return list, *[self._structure(item, leaves) for item in node]
        if kind is dict:
            return dict, *node, *[self._structure(item, leaves) for item in node.values()]
        names = self._fields(kind, node)
        below = [self._structure(getattr(node, name), leaves) for name in names]
        return (kind, names, *below) if kind is SimpleNamespace else (kind, *below)

    def _view(self, node: Any, counter: Iterator[int]) -> Any:
        kind = type(node)
        if kind is Value or kind is str or kind is int:
            return Opaque(Hole(next(counter)))
        if node is None or kind is bool:
            return node
        if kind is list or kind is tuple:
            return [self._view(item, counter) for item in node]
        if kind is dict:
            return _Keyed((key, self._view(item, counter)) for key, item in node.items())
        return RecordView({name: self._view(getattr(node, name), counter) for name in self._fields(kind, node)})


class _Keyed(dict[str, Any]):
    """A map of a row: a loop over it gives opaque keys, so that a key too is written as a mark."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return iter([Opaque(key) for key in dict.keys(self)])


def fill(skeleton: Skeleton, leaves: Sequence[Any]) -> Any:
    """The skeleton's tree with ``leaves`` in its holes; the caller owns the result."""
    return _filled(skeleton.tree, leaves)


def _filled(node: Any, leaves: Sequence[Any]) -> Any:
    kind = type(node)
    if kind is dict:
        return {
            key: leaves[item.i] if (below := type(item)) is Hole
            else _filled(item, leaves) if below is dict or below is list else item
            for key, item in node.items()
        }
    if kind is list:
        return [_filled(item, leaves) for item in node]
    return leaves[node.i] if kind is Hole else node


def unfold(obj: Object) -> dict[str, Any]:
    """The manifest with its values, origins and all, as leaves."""
    tree: dict[str, Any] = fill(obj.skeleton, obj.leaves)
    return tree


def pointers(obj: Object) -> Iterator[tuple[str, Value | None]]:
    """Every leaf of the manifest: its JSON pointer, and its value or, for the template's own text, None."""
    for path, leaf in leaves_of(obj.skeleton.tree):
        yield pointer(path), obj.leaves[leaf.i] if type(leaf) is Hole else None


def clone(tree: Any) -> Any:
    """A copy of the collections; leaves are shared."""
    if type(tree) is dict:
        return {key: clone(item) for key, item in tree.items()}
    return [clone(item) for item in tree] if type(tree) is list else tree


def pointer(path: tuple[str | int, ...]) -> str:
    """``("a/b", 0)`` -> ``/a~1b/0`` (RFC 6901)."""
    return "".join(["/" + str(step).replace("~", "~0").replace("/", "~1") for step in path])


def leaves_of(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every leaf with its path, in the order of the tree. Empty collections are leaves."""
    if isinstance(tree, dict) and tree:
        for key, item in tree.items():
            yield from leaves_of(item, (*path, key))
    elif isinstance(tree, list) and tree:
        for index, item in enumerate(tree):
            yield from leaves_of(item, (*path, index))
    else:
        yield path, tree


def _outline(template: str, tree: dict[str, Any]) -> _Outline:
    """Number the holes in the order of the tree."""
    sources: list[int] = []
    paths: list[tuple[str | int, ...]] = []

    def numbered(node: Any, path: tuple[str | int, ...]) -> Any:
        kind = type(node)
        if kind is Hole:
            sources.append(node.i)
            paths.append(path)
            return Hole(len(paths) - 1)
        if kind is dict and node:
            return {key: numbered(item, (*path, key)) for key, item in node.items()}
        if kind is list and node:
            return [numbered(item, (*path, place)) for place, item in enumerate(node)]
        if problem := ("empty: omit the field" if kind is dict or kind is list else refusal(node)):
            raise TemplateError(template, 1, f"{pointer(path)}: {problem}")
        return node

    return _Outline(numbered(tree, ()), tuple(sources), tuple(paths))


def _form(template: str, outline: _Outline, leaves: Sequence[Value | str | int]) -> _Form:
    """Text and numbers in their places; what is left are the holes of values."""
    stands: list[Any] = []
    sources: list[int] = []
    holes: list[tuple[str | int, ...]] = []
    for source, path in zip(outline.sources, outline.paths, strict=True):
        leaf = leaves[source]
        if type(leaf) is Value:
            stands.append(Hole(len(holes)))
            sources.append(source)
            holes.append(path)
        elif problem := refusal(leaf):
            raise TemplateError(template, 1, f"{pointer(path)}: {problem}")
        else:
            stands.append(leaf)
    tree = _filled(outline.tree, stands)
    identity, open_identity = _identity(template, tree)
    return _Form(Skeleton(template, tree, tuple(holes)), tuple(sources), identity, open_identity)


def _with_holes(node: Any, counter: Iterator[int]) -> Any:
    if isinstance(node, dict):
        return {key: _with_holes(item, counter) for key, item in node.items()}
    if isinstance(node, list):
        return [_with_holes(item, counter) for item in node]
    return node if node is None or type(node) is bool else Hole(next(counter))


def _identity(template: str, tree: dict[str, Any]) -> tuple[Identity, tuple[tuple[int, int], ...]]:
    """The identity, with "" where a hole stands, and (field of Identity, leaf) for each such hole."""
    metadata = tree.get("metadata")
    found: list[Any] = [tree.get("apiVersion"), tree.get("kind")]
    found += [metadata.get("namespace", ""), metadata.get("name")] if isinstance(metadata, dict) else ["", None]
    open_identity = []
    for place, (value, path) in enumerate(zip(found, _IDENTITY, strict=True)):
        if isinstance(value, Hole) and place > 1:
            open_identity.append((place + 1, value.i))
            found[place] = ""
        elif not isinstance(value, str) or (not value and place != 2):
            raise TemplateError(template, 1, f"{pointer(path)} must be plain text")
    group, _, version = found[0].rpartition("/")
    return Identity(group, version, *found[1:]), tuple(open_identity)


def _agreed(form: _Form, identity: Identity | None, leaves: tuple[Value, ...]) -> Identity:
    template = form.skeleton.template
    if identity is None:
        raise TemplateError(template, 1, "a value in namespace or name: only with the identity given, for an object of one cluster")
    found: list[Any] = list(form.identity)
    for place, leaf in form.open_identity:
        # A fact is bound by the cluster, which the caller knows and we do not: its identity is the caller's word.
        found[place] = identity[place] if leaves[leaf].fact else leaves[leaf].v
    if Identity(*found) != identity:
        raise TemplateError(template, 1, f"makes {Identity(*found)}, not {identity}")
    return identity
