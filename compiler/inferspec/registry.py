"""Asks registries for the digests of tags, by the Docker Registry HTTP API v2 (OCI distribution specification, "Pulling manifests")."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .load.lock import DIGEST

ACCEPTED = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""An index comes first: one digest for every processor the image is made for."""
HUB = "registry-1.docker.io"
"""What ``docker.io`` in an image's name stands for."""
MOST = 4 << 20
"""Bytes of a manifest, as registries limit them (OCI distribution specification)."""


class RegistryError(Exception):
    """The digest cannot be had; the message says why."""


def digest_of(reference: str) -> str:
    """``sha256:...`` of ``HOST/NAME:TAG`` now. Raises RegistryError."""
    host, _, rest = reference.partition("/")
    name, _, tag = rest.rpartition(":")
    if not name:
        name, tag = rest, "latest"
    # Plain HTTP is for a registry on this machine alone, as container tools have it.
    local = host.partition(":")[0] in ("localhost", "127.0.0.1")
    url = f"{'http' if local else 'https'}://{HUB if host == 'docker.io' else host}/v2/{name}/manifests/{tag}"
    headers = {"Accept": ", ".join(ACCEPTED)}
    try:
        status, said, body = _get(url, headers)
        if status == 401:
            headers["Authorization"] = _authorization(said.get("WWW-Authenticate", ""), host)
            status, said, body = _get(url, headers)
    except (OSError, ValueError, KeyError) as error:
        raise RegistryError(f"{reference}: {getattr(error, 'reason', error)}") from error
    if status != 200:
        why = {401: "it wants other credentials", 403: "the credentials may not pull it", 404: "there is no such tag"}
        raise RegistryError(f"{reference}: {why.get(status, 'the registry refuses it')} ({status})")
    told, computed = said.get("Docker-Content-Digest", ""), f"sha256:{hashlib.sha256(body).hexdigest()}"
    if told and DIGEST.match(told) and told != computed:
        raise RegistryError(f"{reference}: the registry says {told}, and sent {computed}")
    return computed


def _get(url: str, headers: dict[str, str]) -> tuple[int, Any, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as response:
            return response.status, response.headers, response.read(MOST)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""


def _authorization(challenge: str, host: str) -> str:
    """The header that answers the registry's challenge: basic, or a token that its realm gives for basic credentials or for none."""
    kind, _, rest = challenge.partition(" ")
    told = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    own = _credentials(host)
    if kind.lower() == "basic":
        return f"Basic {own}" if own else ""
    realm = told.pop("realm")
    if not realm.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ValueError(f"tokens are to come from {realm}, which is not encrypted")
    query = urllib.parse.urlencode({key: told[key] for key in ("service", "scope") if key in told})
    status, _, body = _get(f"{realm}?{query}", {"Authorization": f"Basic {own}"} if own else {})
    if status != 200:
        raise ValueError(f"{realm} gives no token ({status})")
    answer = json.loads(body)
    return f"Bearer {answer.get('token') or answer['access_token']}"


def _credentials(host: str) -> str:
    """Base64 of ``user:password`` that ``docker login`` left, or nothing. Credential helpers are not run."""
    home = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    try:
        held = json.loads((home / "config.json").read_text(encoding="utf-8")).get("auths", {})
    except (OSError, ValueError):
        return ""
    entry = held.get(host) or held.get(f"https://{host}") or {}
    auth = str(entry.get("auth", ""))
    try:
        base64.b64decode(auth, validate=True)
    except ValueError:
        return ""
    return auth
