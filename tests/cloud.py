"""A stand-in for what `preflight` reads of Google Cloud: attributes of buckets, objects, Secret Manager, Compute Engine.

No server that a registry has keeps a bucket's location, access or namespace, and none plays the other two APIs, so this is ours: it shows
that we ask and judge as the documentation of the APIs says, not that the APIs are so. Objects are met on a real server in tests/weights.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
from inferspec.preflight.needs import needs
from inferspec.resolve.fleet import Fleet
from inferspec.weights.manifest import MANIFEST, Manifest, Published

from tests.webserver import Handler, serving

CONFIG = b'{"architectures": ["Tiny"]}'


@dataclass
class Cloud:
    """Resources by path, objects by ``gs://`` name. ``asked`` has the method and path of each request."""

    resources: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def environment(self) -> dict[str, str]:
        variables = ("STORAGE_EMULATOR_HOST", "INFERSPEC_SECRETMANAGER_ENDPOINT", "INFERSPEC_COMPUTE_ENDPOINT")
        return {**dict.fromkeys(variables, self.url), "MODEL_RETRY_SECONDS": "0.01"}

    def edit(self, path: str, steps: list[str], value: Any) -> None:
        """Change one field, or with no steps the whole; None takes it away."""
        if path.startswith("gs://"):
            self.objects.pop(path)
            if value is not None:
                self.objects[path] = value.encode()
            return
        node: Any = self.resources
        for step, below in zip([path, *steps], [*steps, None], strict=True):
            if below is not None:
                node = node[step]
            elif value is None:
                del node[step]
            else:
                node[step] = value

    @contextlib.contextmanager
    def up(self) -> Iterator[Cloud]:
        cloud = self

        class Answers(Handler):
            def do_GET(self) -> None:
                self.say(*cloud.answer(self.path))

            def refuse(self) -> None:
                cloud.asked.append(f"{self.command} {self.path}")
                self.send_error(405)

            do_PUT = do_POST = do_PATCH = do_DELETE = refuse

        with serving(Answers) as address:
            self.url = f"http://{address}"
            yield self

    def answer(self, asked: str) -> tuple[int, bytes]:
        url = urlsplit(asked)
        path, query = unquote(url.path), parse_qs(url.query)
        self.asked.append(f"GET {path}")
        for part, status in self.failing.items():
            if part in path:
                return status, b"{}"
        if path.endswith("/o"):
            said: Any = self._listed(path.split("/")[-2], query["prefix"][0])
        elif "/o/" in path:
            bucket, _, name = path.partition("/b/")[2].partition("/o/")
            return 200, self.objects[f"gs://{bucket}/{name}"]
        elif path.endswith("/aggregated/reservations"):
            said = self._elsewhere(path.split("/")[4], query["filter"][0].removeprefix("name="))
        else:
            said = self.resources.get(path)
        return (200, json.dumps(said).encode()) if said is not None else (404, b"{}")

    def _listed(self, bucket: str, prefix: str) -> Any:
        found = []
        for name, data in self.objects.items():
            if name.startswith(f"gs://{bucket}/{prefix}"):
                item = {"name": name.removeprefix(f"gs://{bucket}/"), "size": str(len(data)), "generation": "1", "crc32c": _crc32c(data)}
                found.append(item)
        return {"items": found}

    def _elsewhere(self, project: str, name: str) -> Any:
        found = {}
        for path in self.resources:
            if path.startswith(f"/compute/v1/projects/{project}/zones/") and path.endswith(f"/reservations/{name}"):
                found[f"zones/{path.split('/')[6]}"] = {"reservations": [self.resources[path]]}
        return {"items": {"zones/asia-east1-a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}, **found}}


def _crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def sound(fleet: Fleet) -> Cloud:
    """A cloud where everything that the fleet needs is as it should be."""
    made, wanted = Cloud(), needs(fleet, fleet.places)
    for bucket in wanted.buckets.values():
        made.resources[f"/storage/v1/b/{bucket.name}"] = {
            "name": bucket.name,
            "location": (bucket.location or bucket.places[0].region).upper(),
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"},
            "hierarchicalNamespace": {"enabled": True},
            "softDeletePolicy": {"retentionDurationSeconds": "0"},
        }
    for model in wanted.models.values():
        files = {"config.json": Published(len(CONFIG), _crc32c(CONFIG))}
        text = Manifest(str(model.artefact.source.v), str(model.artefact.revision.v), files).text()
        made.objects |= {f"{model.target}/config.json": CONFIG, f"{model.target}/{MANIFEST}": text.encode()}
    for secret in wanted.secrets.values():
        made.resources[f"/v1/{secret.resource}"] = {"name": secret.resource}
        made.resources[f"/v1/{secret.resource}/versions/{secret.version}"] = {"state": "ENABLED"}
    for held in wanted.reservations.values():
        machine = fleet.catalogue.machines[held.spec.shape].type
        numbers = [str(fleet.platform.projects[user].number) for user in sorted(held.users)]
        made.resources[f"/compute/v1/projects/{held.owner}/zones/{held.zone}/reservations/{held.spec.name}"] = {
            "name": held.spec.name,
            "status": "READY",
            "specificReservation": {"count": str(held.spec.nodes), "inUseCount": "1", "instanceProperties": {"machineType": machine}},
            "shareSettings": {"shareType": "SPECIFIC_PROJECTS", "projectMap": {n: {"projectId": n} for n in numbers}},
        }
    for image in wanted.disk_images.values():
        made.resources[f"/compute/v1/{image.resource}"] = {"name": image.name, "status": "READY", "diskSizeGb": "60"}
    return made
