"""Write what the Terraform provider takes, of the resources that terraform/ uses, to tests/terraform/provider.json.

The provider's plugin is in a registry of its own, which tests do not reach. Its schema, as generated from the plugin, is in the PyPI
package cdktf-cdktf-provider-google; the last one (16.12.1) is of provider 6.50.0:

    pip download --no-deps --dest /tmp/provider cdktf-cdktf-provider-google==16.12.1
    python tools/provider_schema.py /tmp/provider/*.whl
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "terraform" / "provider.json"
_NAMED = re.compile(r"/docs/(?:resources|data-sources)/\S*#(\w+)")
_USED = re.compile(r'^(resource|data) "(google_\w+)"', re.MULTILINE)


def used() -> list[tuple[str, str]]:
    """(resource or data, its type) of everything in terraform/."""
    return sorted({found for path in (ROOT / "terraform").rglob("*.tf") for found in _USED.findall(path.read_text(encoding="utf-8"))})


def read(wheel: Path) -> dict[str, Any]:
    """The types of the bindings' assembly."""
    with zipfile.ZipFile(wheel) as outer:
        name = next(n for n in outer.namelist() if n.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as inner:
            member = inner.extractfile("package/.jsii")
            assert member is not None
            types: dict[str, Any] = json.load(member)["types"]
            return types


def block(types: dict[str, Any], name: str) -> dict[str, Any]:
    """Arguments of a resource or of a nested block. An argument's own name stands in the link to its documentation."""
    found: dict[str, Any] = {"required": [], "arguments": [], "blocks": {}}
    for said in types[name].get("properties", []):
        link = _NAMED.search(said["docs"].get("remarks", ""))
        key = link[1] if link else _snake(said["name"])
        inner = re.search(r'"fqn": "(@cdktf/provider-google\.[^"]+)"', json.dumps(said["type"]))
        if inner is not None:
            found["blocks"][key] = block(types, inner[1])
        else:
            found["arguments"].append(key)
        if not said.get("optional"):
            found["required"].append(key)
    return {key: sorted(value) if isinstance(value, list) else dict(sorted(value.items())) for key, value in found.items()}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1].lower(), name)


def main(wheel: Path) -> None:
    types = read(wheel)
    found: dict[str, Any] = {}
    for kind, name in used():
        words = (name if kind == "data" else name.removeprefix("google_")).split("_")
        pascal = ("Data" if kind == "data" else "") + "".join(word.capitalize() for word in words)
        camel = pascal[0].lower() + pascal[1:]
        whole = f"@cdktf/provider-google.{camel}.{pascal}"
        attributes = sorted({_snake(p["name"]) for p in types[whole]["properties"] if not p["name"].endswith("Input")})
        found[f"{kind} {name}"] = {**block(types, f"{whole}Config"), "attributes": attributes}
    text = json.dumps({"provider": "hashicorp/google 6.50.0", "source": wheel.name, "types": found}, indent=1, sort_keys=True)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
