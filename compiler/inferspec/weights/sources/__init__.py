"""Where models come from: a module a scheme."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from ..errors import ENVIRONMENT, USAGE, Refusal
from ..files import SourceFile
from ..patience import Patience

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class Source(Protocol):
    """A pinned version of a model. ``name`` and ``revision`` go into the manifest."""

    name: str
    revision: str

    def files(self) -> list[SourceFile]:
        """Every file of the version. Raises Refusal, Interrupted."""

    def fetch(self, file: SourceFile, to: Path) -> None:
        """Bring a file to ``to``; what stands there is the beginning of it. Raises Refusal, Interrupted."""

    def space(self) -> int:
        """Bytes of scratch that the source itself takes, beside the files in flight."""

    def release(self) -> None:
        """Give back that scratch: all is published."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for, as the command line or the environment has it."""

    source: str
    revision: str = ""
    sha256: str = ""
    token_file: Path | None = None
    scratch: Path = Path("scratch")
    patience: Patience = field(default_factory=Patience)


def opened(order: Order, stop: Event) -> Source:
    """The source of an order. Raises Refusal where it is not pinned or of no known scheme."""
    scheme, _, rest = order.source.partition("://")
    if scheme == "hf":
        if not re.fullmatch(r"[A-Za-z0-9][-\w.]*/[A-Za-z0-9][-\w.]*", rest):
            raise Refusal(USAGE, f"{order.source} is no model: hf://ORG/NAME")
        if not COMMIT.fullmatch(order.revision):
            raise Refusal(USAGE, f"revision {order.revision or '(none)'} can move: give the full commit, 40 hexadecimal digits")
        from .hugging_face import HuggingFace

        return HuggingFace(rest, order, stop)
    if scheme == "kaggle":
        if not re.fullmatch(r"(?:[-\w.]+/){4}[1-9][0-9]*", rest):
            raise Refusal(USAGE, f"{order.source} is no model version: kaggle://OWNER/MODEL/FRAMEWORK/VARIATION/VERSION, VERSION a number")
        if order.revision not in ("", rest.rpartition("/")[2]):
            raise Refusal(USAGE, f"revision {order.revision} is not the version that {order.source} ends in")
        from .kaggle import Kaggle

        return Kaggle(rest, order, stop)
    if scheme in ("https", "http"):
        if not SHA256.fullmatch(order.sha256):
            raise Refusal(USAGE, f"{order.source} can change: give the sha256 of what it has, 64 hexadecimal digits (--sha256)")
        if order.revision not in ("", order.sha256):
            raise Refusal(USAGE, "the revision of a file from the web is its sha256: give --sha256 alone")
        from .web import Web

        return Web(order, stop)
    raise Refusal(USAGE, f"{order.source} is no source: hf://ORG/NAME, kaggle://OWNER/MODEL/FRAMEWORK/VARIATION/VERSION or https://…")


def token(path: Path | None) -> str:
    """Content of a token file without its line end; empty without a file. Raises Refusal where it cannot be read."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise Refusal(USAGE, f"cannot read the token file {path}: {getattr(fault, 'strerror', None) or fault}") from None


def connected() -> Any:
    """A ``requests`` session. One for all threads: nothing but its connection pool is shared."""
    requests = required("requests")
    session = requests.Session()
    session.headers["User-Agent"] = "inferspec-models"
    return session


def required(name: str) -> Any:
    """A module of the ``models`` extra. Raises Refusal where it is not installed."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as missing:
        raise Refusal(ENVIRONMENT, f"{missing.name} is not installed: pip install 'inferspec[models]'") from None
