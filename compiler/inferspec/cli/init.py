"""``inferspec init``: a spec that vets clean, its schema, waivers, CI and a pre-commit hook."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from importlib.resources import files
from pathlib import Path
from shlex import quote

from .. import __version__
from . import USAGE
from .stop import Stop

FILES = {
    "specs/platform.yaml": "platform.yaml",
    "policies/waivers.yaml": "waivers.yaml",
    ".github/workflows/inferspec.yaml": "workflow.yaml",
    ".pre-commit-config.yaml": "pre-commit.yaml",
    ".gitignore": "gitignore",
}
"""Path in the new repository -> file of ``start/``."""


def run(options: Namespace) -> int:
    """Writes everything or, where a file is in the way, nothing."""
    root = Path(options.directory)
    name = options.name or re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")
    if not re.fullmatch(r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", name):
        raise Stop(USAGE, f"'{name}' is no platform name: lower-case letters, digits and '-', starting with a letter; give --name")
    texts = {path: _start(source, name) for path, source in FILES.items()}
    texts["specs/platform.schema.json"] = _schema()
    taken = [path for path in texts if (root / path).exists() or (root / path).is_symlink()]
    if taken:
        raise Stop(USAGE, f"{', '.join(taken)} in {root} would be overwritten: nothing was written")
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        print(root / path)
    if name != (options.name or root.resolve().name):
        print(f"the platform is named {name}: '{root.resolve().name}' is no platform name; change it in the spec, or give --name")
    pins = quote(str(root / "requirements.txt"))
    print(f"for CI: write {pins}: inferspec=={__version__} and what it needs, pinned by hash; the workflow says how")
    print(f"next: edit {quote(str(root / 'specs/platform.yaml'))}, then run: inferspec compile -C {quote(str(root))}")
    return 0


def _start(source: str, name: str) -> str:
    text = files("inferspec.cli").joinpath("start", source).read_text(encoding="utf-8")
    return text.replace("NAME", name, 1) if source == "platform.yaml" else text.replace("VERSION", __version__)


def _schema() -> str:
    from .schema import document

    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
