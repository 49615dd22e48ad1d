"""The grammar of single values: names, durations, quantities, selectors."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from .forms import Closed, Grammar, OneOrMany, Time


def _subnet(text: str) -> str:
    """A range of addresses as Google Cloud makes subnets: its first address, /8 to /26."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        reason = str(error).replace(repr(text), text)
        raise PydanticCustomError(
            "grammar", "{found} is no range of addresses, such as 10.129.0.0/23: {reason}", {"found": repr(text), "reason": reason}
        ) from None
    if "/" not in text or not 8 <= network.prefixlen <= 26:
        raise PydanticCustomError("grammar", "a subnet is a /8 to a /26, this is a /{length}", {"length": network.prefixlen})
    return text


LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
Name = Annotated[
    str, Grammar(r"[a-z](?:[-a-z0-9]*[a-z0-9])?", "a name (lower-case letters, digits and '-', starting with a letter)", "chat", 40)
]
LabelKey = Annotated[
    str, Grammar(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", "a label key", "residency", 253)
]
LabelValue = Annotated[str, Grammar(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?", "a label value", "eu")]
Host = Annotated[str, Grammar(rf"{LABEL}(?:\.{LABEL})+", "a host name", "llm.acme.example", 253)]
Region = Annotated[str, Grammar(r"[a-z]+-[a-z]+[0-9]+", "a Google Cloud region", "us-central1")]
ZoneLetter = Annotated[str, Grammar(r"[a-z]|ai[0-9][a-z]", "a zone of its region, written as its suffix", "b")]
ProjectId = Annotated[str, Grammar(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", "a project id", "acme-prod")]
Bucket = Annotated[str, Grammar(r"[a-z0-9][-a-z0-9_.]{1,61}[a-z0-9]", "a Cloud Storage bucket name", "acme-models-us")]
Location = Annotated[
    str, Grammar(r"[a-z]+-[a-z]+[0-9]+|[a-z]{2,4}[0-9]?", "a Cloud Storage location (region, dual-region or multi-region)", "europe-west4")
]
GkeVersion = Annotated[str, Grammar(r"1\.\d+\.\d+(?:-gke\.\d+)?", "a GKE version", "1.35.3-gke.1290000")]
Cidr = Annotated[str, AfterValidator(_subnet), Field(json_schema_extra={"examples": ["10.129.0.0/23"]})]
Group = Annotated[str, Grammar(r"[^@\s]+@[^@\s]+\.[^@\s]+", "a group address", "search@acme.example", 254)]
SecretResource = Annotated[
    str,
    Grammar(
        r"projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/secrets/[A-Za-z0-9_-]{1,255}",
        "a Secret Manager secret",
        "projects/acme-prod/secrets/hf-read",
        400,
    ),
]
Flag = Annotated[str, Grammar(r"[a-z0-9][a-z0-9_.-]*", "a flag name without its dashes", "max-num-seqs", 80)]
ModelVersion = Annotated[
    str, Grammar(r"[a-z](?:[-a-z0-9]*[a-z0-9])?@[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?", "MODEL@VERSION", "gemma-3-27b@v1", 80)
]
SourceRevision = Annotated[
    str,
    Grammar(
        r"(?!.*\.\.)[A-Za-z0-9][-A-Za-z0-9._]*",
        "a full commit id, or a folder of a gs:// source",
        "dcc83ea841ab6100d6b47a070329e1ba4cf78752",
        64,
    ),
]
LustreMount = Annotated[
    str, Grammar(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}@tcp:/[a-z][a-z0-9]{0,7}", "ADDRESS@tcp:/FILESYSTEM", "10.90.1.4@tcp:/models", 40)
]
Network = Annotated[
    str,
    Grammar(
        r"(?:projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/global/networks/)?[a-z](?:[-a-z0-9]*[a-z0-9])?",
        "a VPC network",
        "projects/acme-net/global/networks/inference",
        150,
    ),
]
ModelSource = Annotated[
    str,
    Grammar(
        r"hf://[A-Za-z0-9][-A-Za-z0-9_.]*/[A-Za-z0-9][-A-Za-z0-9_.]*"
        r"|gs://[a-z0-9][-a-z0-9_.]{1,61}[a-z0-9]/(?!.*\.\.)\S+"
        r"|kaggle://[A-Za-z0-9][-A-Za-z0-9_.]*(?:/[A-Za-z0-9][-A-Za-z0-9_.]*){3}"
        r"|https://[a-z0-9][-a-z0-9.]*\.[a-z]+(?::[0-9]+)?/(?!.*\.\.)[^\s@?#]+",
        "a model source",
        "hf://google/gemma-3-27b-it",
        300,
    ),
]
Image = Annotated[
    str,
    Grammar(
        r"[a-z0-9][-a-z0-9.]*(?::[0-9]+)?(?:/[a-z0-9][-a-z0-9._]*)+(?::[A-Za-z0-9_][-A-Za-z0-9_.]*)?(?:@sha256:[0-9a-f]{64})?",
        "an image with its registry",
        "docker.io/vllm/vllm-openai:v0.33.0",
        400,
    ),
]
ImagePrefix = Annotated[
    str,
    Grammar(r"[a-z0-9][-a-z0-9.]*(?::[0-9]+)?(?:/[a-z0-9][-a-z0-9._]*)*", "a registry, with a path or without", "docker.io/vllm", 300),
]
GitRepo = Annotated[
    str,
    Grammar(
        r"https://[^\s@]+|ssh://[^\s]+|git@[^\s:]+:\S+",
        "a repository URL without credentials",
        "https://git.acme.example/platform.git",
        400,
    ),
]
Revision = Annotated[str, Grammar(r"[A-Za-z0-9][-A-Za-z0-9._/]*", "a tag or commit", "v1.7.4", 100)]
Duration = Annotated[str, Time(r"(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?<=[hms])", "a duration", "168h", 20, "smh")]
Quantity = Annotated[str, Grammar(r"[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?", "a Kubernetes quantity", "64Gi", 20)]
Shape = Annotated[str, Grammar(r"[a-z0-9]+(?:-[a-z0-9]+)+", "a machine type", "g2-standard-8")]
Topology = Annotated[str, Grammar(r"[0-9]+x[0-9]+(?:x[0-9]+)?", "a TPU topology", "2x4")]
ResourceName = Annotated[str, Grammar(r"[a-z](?:[-a-z0-9]*[a-z0-9])?", "the name of a Compute Engine resource", "acme-h100-a")]
Variable = Annotated[str, Grammar(r"[A-Za-z_][A-Za-z0-9_]*", "an environment variable", "NCCL_DEBUG", 200)]
PublicName = Annotated[str, Grammar(r"[A-Za-z0-9][-A-Za-z0-9_./]*", "a model name that clients send", "gemma-3-27b", 100)]
EngineVersion = Annotated[
    str,
    Grammar(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:@[0-9]+(?:\.[0-9]+){0,2})?", "an engine, with its version or without", "vllm@0.33.0", 60),
]
ReadPath = Literal["gcs-fuse", "lustre", "hyperdisk-ml", "run-ai-streamer", "filestore"]
OauthClient = Annotated[
    str,
    Grammar(
        r"[0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com", "an OAuth client ID", "123456789012-a1b2c3.apps.googleusercontent.com", 120
    ),
]
HttpPath = Annotated[str, Grammar(r"/[-A-Za-z0-9._~/]*", "the path of a page", "/health", 200)]
MountPath = Annotated[
    str, Grammar(r"(?!.*//)(?!.*/\.)(?:/[A-Za-z0-9._][-A-Za-z0-9._]*){2,}", "an absolute path of two folders or more", "/models/sdxl", 200)
]
RelativeFile = Annotated[
    str, Grammar(r"(?!.*\.\.)[A-Za-z0-9._][-A-Za-z0-9._/]*", "a file inside the model's folder", "chat_template.jinja", 200)
]
FolderSource = Annotated[
    str, Grammar(r"gs://[a-z0-9][-a-z0-9_.]{1,61}[a-z0-9](?:/[^\s/]+)+", "a folder of a bucket", "gs://acme-adapters/sql", 300)
]
VersionName = Annotated[str, Grammar(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?", "a version name", "v1")]
AdapterSource = Annotated[str, Grammar(r"(?:hf|gs)://\S+", "a source", "gs://acme-models-us/sql", 300)]
KindName = Annotated[str, Grammar(r"[A-Z][A-Za-z]+", "a kind", "Deployment")]
KindAndName = Annotated[str, Grammar(r"[A-Z][A-Za-z]+ \S+", "an object as messages print it", "ComputeClass l4", 400)]
ServiceAccount = Annotated[
    str, Grammar(r"[^@\s]+@[^@\s]+\.iam\.gserviceaccount\.com", "a Google service account", "sync@acme-prod.iam.gserviceaccount.com", 200)
]
KmsKey = Annotated[
    str,
    Grammar(
        r"projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}",
        "a Cloud KMS key",
        "projects/acme-keys/locations/us-central1/keyRings/gke/cryptoKeys/nodes",
        300,
    ),
]
PinnedImage = Annotated[
    str, Grammar(r"\S+@sha256:[0-9a-f]{64}", "an image pinned by digest", "registry.acme.example/platform@sha256:" + "0" * 64, 400)
]
Memory = Annotated[str, Grammar(r"[0-9]+(?:\.[0-9]+)?(?:Mi|Gi|Ti|M|G|T)", "an amount of memory", "64Gi", 20)]
IsoDate = Annotated[str, Grammar(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", "a date", "2027-01-31")]
Reason = Annotated[str, Field(min_length=4, max_length=300, description="Why this exception exists; a ticket is enough.")]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=0, le=100)]

_UNIT = {"h": 3600, "m": 60, "s": 1}


def seconds(duration: str) -> int:
    """``"1h30m"`` -> 5400."""
    return sum(int(n) * _UNIT[u] for n, u in re.findall(r"([0-9]+)([hms])", duration))


class Selector(Closed):
    """Which clusters an entry is for. All given keys must match; a list matches any of its items."""

    cluster: OneOrMany[Name] | None = None
    """Clusters by name."""
    region: OneOrMany[Region] | None = None
    """Clusters by region."""
    stage: OneOrMany[Name] | None = None
    """Clusters by stage."""
    label: dict[LabelKey, OneOrMany[LabelValue]] | None = None
    """Clusters by their labels."""

    @property
    def everywhere(self) -> bool:
        return not (self.cluster or self.region or self.stage or self.label)

    @property
    def rung(self) -> int:
        """Place on the ladder fleet < stage < region < label < cluster: the most specific key decides."""
        if self.cluster:
            return 4
        if self.label:
            return 3
        if self.region:
            return 2
        return 1 if self.stage else 0


def _selector(value: Any) -> Any:
    if value == "all":
        return {}
    if not isinstance(value, dict):
        raise PydanticCustomError(
            "selector", "where is 'all' or a map of cluster, region, stage and label, such as {example}", {"example": "{stage: prod}"}
        )
    if not value:
        raise PydanticCustomError("selector", "an empty where selects by nothing; write 'where: all' for every cluster", {})
    return value


Where = Annotated[Selector, BeforeValidator(_selector, json_schema_input_type=Literal["all"] | Selector)]
