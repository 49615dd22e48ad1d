"""A real etcd and kube-apiserver for tests: no root, no privileges, loopback only, every port free."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

START_TRIES = 4


class ApiError(Exception):
    """The server refused: `code` is the HTTP status, `reason` the API's own (Invalid, NotFound, ...), the text its message."""

    def __init__(self, code: int, reason: str, message: str):
        super().__init__(message)
        self.code, self.reason = code, reason


class StartError(Exception):
    """A program of the control plane did not come up; the message carries the end of its log."""


def free_ports(count: int) -> list[int]:
    """Distinct free loopback ports: all are held open together, so no two are equal."""
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in holders]
    finally:
        for holder in holders:
            holder.close()


class ControlPlane:
    """etcd and kube-apiserver in a private folder. `apply` and `request` speak to the server; `warnings` are what it warned of."""

    def __init__(self, programs: Path, work: Path, seed: Path | None = None):
        """`programs` holds the executables, `work` is a folder to make, `seed` a packed etcd directory (see crd_seed)."""
        self.programs, self.work, self.seed = programs, work, seed
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.warnings: list[tuple[str, str]] = []  # (path of the request, text)
        self.refused_crds: dict[str, str] = {}  # name -> what the server said when the seed was made
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}
        self._connections = threading.local()

    def start(self, timeout: float = 90) -> None:
        """Start and wait until ready, with new ports when another process took one in between. `timeout` in seconds.

        Raises StartError, with nothing left running.
        """
        for attempt in range(START_TRIES):
            try:
                self._start_once(timeout)
                return
            except StartError as problem:
                self.stop()
                if attempt + 1 == START_TRIES or "address already in use" not in str(problem):
                    raise
            except BaseException:
                self.stop()
                raise

    def _start_once(self, timeout: float) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        certs, data = self.work / "certs", self.work / "etcd"
        certs.mkdir(parents=True)
        if self.seed:
            shutil.unpack_archive(self.seed, self.work, "gztar", filter="data")
        data.mkdir(exist_ok=True)
        data.chmod(0o700)
        _write_key(certs / "sa.key")
        self.token = secrets.token_hex(16)
        tokens = certs / "token.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f"{self.token},admin,admin,system:masters\n")
        client, peer, self.port = free_ports(3)
        etcd, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self.spawn(
            "etcd", "--name", "cp", "--data-dir", data, "--unsafe-no-fsync", "--log-level", "error",
            "--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", peer_url,
            "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"cp={peer_url}",
        )  # fmt: skip
        self.spawn(
            "kube-apiserver", f"--etcd-servers={etcd}", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}", f"--cert-dir={certs}", f"--token-auth-file={tokens}", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={certs}/sa.key",
            f"--service-account-signing-key-file={certs}/sa.key", "--service-cluster-ip-range=10.0.0.0/24",
            # Else Pods need default service accounts, which only kube-controller-manager makes.
            "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true",
        )  # fmt: skip
        self.ca = certs / "apiserver.crt"
        self._await_ready(time.monotonic() + timeout)
        self._write_kubeconfig()

    def spawn(self, name: str, *args: str | Path) -> None:
        """Start a program of the control plane; its output goes to NAME.log in the work folder."""
        with (self.work / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen([self.programs / name, *map(str, args)], stdout=log, stderr=log, cwd=self.work)

    def check_alive(self) -> None:
        """Raise StartError with the end of its log if a program has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise StartError(f"{name} ended with {process.returncode}:\n{self._log(name)}")

    def _await_ready(self, end: float) -> None:
        while time.monotonic() < end:
            self.check_alive()
            try:
                if self.ca.is_file() and self._exchange("GET", "/readyz", None, "application/json")[1] == b"ok":
                    self.warnings.clear()
                    return
            except (OSError, http.client.HTTPException, ssl.SSLError):
                pass
            time.sleep(0.05)
        raise StartError("kube-apiserver was not ready in time:\n" + self._log("kube-apiserver"))

    def _log(self, name: str) -> str:
        return (self.work / f"{name}.log").read_text(errors="replace")[-4000:]

    def _write_kubeconfig(self) -> None:
        self.kubeconfig = self.work / "kubeconfig"  # for kube-scheduler
        self.kubeconfig.touch(mode=0o600)
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.ca)}
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "cp",
                    "clusters": [{"name": "cp", "cluster": cluster}],
                    "users": [{"name": "admin", "user": {"token": self.token}}],
                    "contexts": [{"name": "cp", "context": {"cluster": "cp", "user": "admin"}}],
                }
            )
        )

    def _exchange(self, method: str, path: str, body: bytes | None, media: str) -> tuple[int, bytes]:
        """One request on this thread's kept-alive connection; the connection is made anew once if the server closed it."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media, "Accept": "application/json"}
        for fresh in (False, True):
            known = getattr(self._connections, "https", None)
            if known is None or fresh or known.port != self.port:
                context = ssl.create_default_context(cafile=str(self.ca))
                known = self._connections.https = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
            try:
                known.request(method, path, body, headers)
                answer = known.getresponse()
                data = answer.read()
            except (http.client.HTTPException, ConnectionError, ssl.SSLEOFError):  # the last where TLS was not closed politely
                known.close()
                self._connections.https = None
                if fresh:
                    raise
                continue
            self.warnings += [(path, text) for text in answer.headers.get_all("Warning") or ()]
            return answer.status, data
        raise AssertionError("unreachable")

    def request(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        """One API request with a JSON body; the decoded answer. Raises ApiError when the server refuses."""
        status, data = self._exchange(method, path, None if body is None else json.dumps(body).encode(), media)
        if status < 400:
            return json.loads(data)
        try:
            told = json.loads(data)
        except ValueError:
            told = {}
        raise ApiError(status, told.get("reason", ""), told.get("message") or data.decode(errors="replace"))

    def path_of(self, obj: dict[str, Any]) -> str:
        """The URL path of an object. Raises ApiError when the server does not know its kind."""
        version = obj["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if obj["kind"] not in self._kinds.get(version, {}):
            resources = self.request("GET", root)["resources"]
            self._kinds[version] = {r["kind"]: (r["name"], r["namespaced"]) for r in resources if "/" not in r["name"]}
        if obj["kind"] not in self._kinds[version]:
            raise ApiError(404, "NotFound", f"the server has no {obj['kind']} in {version}")
        plural, namespaced = self._kinds[version][obj["kind"]]
        namespace = f"/namespaces/{obj['metadata'].get('namespace', 'default')}" if namespaced else ""
        return f"{root}{namespace}/{plural}/{quote(obj['metadata']['name'], safe='')}"

    def apply(self, obj: dict[str, Any], dry_run: bool = True) -> Any:
        """Server-side apply with strict field validation. Raises ApiError."""
        query = "fieldManager=inferspec-test&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        # JSON is YAML: the body needs no other encoder.
        return self.request("PATCH", f"{self.path_of(obj)}?{query}", obj, "application/apply-patch+yaml")

    def ensure_namespace(self, name: str) -> str:
        """Create a namespace if it is not there; its name."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, dry_run=False)
        return name

    def take_warnings(self) -> list[tuple[str, str]]:
        """The warnings collected since the last call: (request path, text). A warning is a fault in what we emit."""
        taken, self.warnings = self.warnings, []
        return taken

    def stop_cleanly(self) -> None:
        """End kube-apiserver at once (SIGTERM lingers for seconds), then etcd politely, so that it closes its files."""
        for name in [name for name in self.processes if name != "etcd"]:
            self.processes[name].kill()
            self.processes.pop(name).wait()
        self.processes["etcd"].terminate()
        self.processes.pop("etcd").wait()

    def stop(self) -> None:
        """End exactly the programs that were started here; the data is throw-away."""
        for process in reversed(self.processes.values()):
            process.kill()
            process.wait()
        self.processes.clear()


def _write_key(path: Path) -> None:
    """An RSA key: one serves to sign service account tokens and to check them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
