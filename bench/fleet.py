"""The fleets of the bench: N clusters for the peers, in each tool's own form, and a platform of N clusters for inferspec.

    python bench/fleet.py peers  DIR [CLUSTERS]    DIR/helm, DIR/kustomize, DIR/jsonnet
    python bench/fleet.py spec   DIR [CLUSTERS]    DIR/specs/fleet.yaml

`measure` says what the peers' cluster amounts to, so that a wrong fixture is seen at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from our_fleet import write_spec
from peer_forms import PEERS, measure
from peer_objects import fields

__all__ = ["EXPECTED", "PEERS", "fields", "measure", "write_spec"]

EXPECTED = {"objects": 25, "patched objects": 15, "values": 52}


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in ("peers", "spec"):
        print(__doc__, file=sys.stderr)
        return 2
    root, clusters = Path(arguments[1]), int(arguments[2]) if len(arguments) > 2 else 10
    if arguments[0] == "spec":
        write_spec(root, clusters)
        return 0
    found = measure()
    print(", ".join(f"{number} {what}" for what, number in found.items()), "in each cluster")
    for name, write in PEERS.items():
        write(root / name, clusters)
    return 0 if EXPECTED.items() <= found.items() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
