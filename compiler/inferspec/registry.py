"""Asks registries for the digests of tags, by the Docker Registry HTTP API v2 (OCI distribution specification, "Pulling manifests")."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .load.lock import DIGEST
from .report.masking import clean

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


LOCAL = ("localhost", "127.0.0.1")
"""Hosts that may be asked in the clear: this machine, as container tools have it."""


class RegistryError(Exception):
    """The digest cannot be had; the message says why."""


def digest_of(reference: str) -> str:
    """``sha256:...`` of ``HOST/NAME:TAG`` now. Raises RegistryError."""
    host, _, rest = reference.partition("/")
    name, _, tag = rest.rpartition(":")
    if not name:
        name, tag = rest, "latest"
    url = f"{'http' if _is_local('//' + host) else 'https'}://{HUB if host == 'docker.io' else host}/v2/{name}/manifests/{tag}"
    headers = {"Accept": ", ".join(ACCEPTED)}
    try:
        status, said, body = _get(url, headers)
        if status == 401:
            headers["Authorization"] = _authorization(said.get("WWW-Authenticate", ""), host)
            status, said, body = _get(url, headers)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RegistryError(clean(f"{reference}: {getattr(error, 'reason', error) or type(error).__name__}")) from error
    if status != 200:
        why = {401: "it wants other credentials", 403: "the credentials may not pull it", 404: "there is no such tag"}
        raise RegistryError(f"{reference}: {why.get(status, 'the registry refuses it')} ({status})")
    told, computed = said.get("Docker-Content-Digest", ""), f"sha256:{hashlib.sha256(body).hexdigest()}"
    if told and DIGEST.match(told) and told != computed:
        raise RegistryError(f"{reference}: the registry says {told}, and sent {computed}")
    return computed


def _is_local(url: str) -> bool:
    return urllib.parse.urlsplit(url).hostname in LOCAL


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Credentials are for the host that asked for them, and nothing that began encrypted goes on in the clear."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> Any:
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if new.scheme != "https" and (old.scheme == "https" or not _is_local(newurl)):
            raise ValueError(f"{old.netloc} leads to {new.scheme}://{new.netloc}, which is not encrypted")
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            made.remove_header("Authorization")
        return made


def _get(url: str, headers: dict[str, str]) -> tuple[int, Any, bytes]:
    try:
        with urllib.request.build_opener(_Redirects).open(urllib.request.Request(url, headers=headers), timeout=30) as response:
            body, length = response.read(MOST + 1), response.headers.get("Content-Length", "")
            if len(body) > MOST:
                raise ValueError(f"the answer is larger than {MOST >> 20} MiB")
            if length.isdecimal() and int(length) != len(body):
                raise ValueError(f"the answer ends after {len(body):,} of {int(length):,} bytes")
            return response.status, response.headers, body
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""


def _authorization(challenge: str, host: str) -> str:
    """The header that answers the registry's challenge: basic, or a token that its realm gives for basic credentials or for none."""
    kind, _, rest = challenge.partition(" ")
    told = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    own = _credentials(host)
    if kind.lower() == "basic":
        return f"Basic {own}" if own else ""
    realm = told.pop("realm", "")
    if not realm:
        raise ValueError("it wants credentials of a kind that is not known")
    if urllib.parse.urlsplit(realm).scheme != "https" and not (realm.startswith("http://") and _is_local(realm)):
        raise ValueError(f"tokens are to come from {realm}, which is not encrypted")
    query = urllib.parse.urlencode({key: told[key] for key in ("service", "scope") if key in told})
    status, _, body = _get(f"{realm}?{query}", {"Authorization": f"Basic {own}"} if own else {})
    if status != 200:
        raise ValueError(f"{realm} gives no token ({status})")
    answer = json.loads(body)
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, dict) else None
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise ValueError(f"{realm} answers without a token")
    return f"Bearer {token}"


def _credentials(host: str) -> str:
    """Base64 of ``user:password`` that ``docker login`` left, or nothing. Credential helpers are not run."""
    home = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    try:
        config = json.loads((home / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    held = _map(_map(config).get("auths"))
    entry = _map(held.get(host) or held.get(f"https://{host}"))
    auth = str(entry.get("auth", ""))
    try:
        base64.b64decode(auth, validate=True)
    except ValueError:
        return ""
    return auth


def _map(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}
