"""Config Connector objects: what the platform uses of Google Cloud, each as a row."""

from __future__ import annotations

import hashlib
from typing import Any

from ...diagnostics import SpecPath
from ...model.base import seconds
from ...model.places import Management
from ...names import truncate_with_hash
from ...resolve.armor import ArmorRule, armor_rules, interval, key_of
from ...resolve.cloud import OF_A_PLACE, USER, VIEWER, Cache, Cloud, Grant, Resource, Transfer
from ...resolve.written import written
from ...values import Default, SpecAt, Value, derive, text
from ..row import Drawn, Row, labels

CNRM = "cnrm.cloud.google.com"
NAME_LIMIT = 63
AGENT = "serviceAccount:project-{}@storage-transfer-service.iam.gserviceaccount.com"
"""The account that copies for a project (Storage Transfer Service documentation, "Google-managed service agent")."""

COMPONENTS = {"buckets": "bucket", "addresses": "address", "secrets": "secret", "modelArmor": "template", "cloudArmor": "policy"}


class Connector:
    """Rows of one platform. A thing that is observed has no row: others name it as ``external``."""

    def __init__(self, cloud: Cloud, management: Management) -> None:
        self.cloud, self.platform, self.management = cloud, cloud.fleet.platform, management

    # -- what every object has -----------------------------------------------------------------------------------------

    def _common(self, name: str, component: str, project: Value, *, deletable: bool) -> dict[str, Any]:
        """Abandoned, unless the spec says that it goes with its object."""
        annotations: dict[str, Any] = {f"{CNRM}/project-id": project}
        if not deletable:
            annotations[f"{CNRM}/deletion-policy"] = "abandon"
        return {
            "name": name,
            "namespace": self.management.namespace,
            "labels": labels(self.platform.name, name, component),
            "annotations": annotations,
        }

    def project(self, key: str) -> Value:
        return Value(self.platform.projects[key].id, SpecAt(("projects", key, "id")))

    def _kept(self, kind: str, name: str) -> bool:
        """Whether a resource is left standing."""
        deletable = self.management.deletable
        held = {
            "buckets": deletable.buckets,
            "addresses": deletable.addresses,
            "secrets": deletable.secrets,
            "modelArmor": deletable.model_armor,
            "cloudArmor": deletable.cloud_armor,
        }
        return name not in held[kind]

    def made(self, kind: str, name: str) -> Resource | None:
        """The resource, where an object of ours makes it."""
        return next((one for one in self.cloud.of(kind) if one.name == name and one.intent != "observe"), None)

    def _bucket(self, name: str, said: Value, external: str = "{}") -> dict[str, Any]:
        """``bucketRef``; ``external`` is how the kind writes one that stands."""
        if self.made("buckets", name) is not None:
            return {"name": derive("object of the bucket", object_name(name), said)}
        return {"external": text(external, said)}

    # -- rows ----------------------------------------------------------------------------------------------------------

    def resource(self, one: Resource) -> Drawn:
        said = Value(one.name, SpecAt(one.path))
        project = self.project(one.project) if one.kind != "secrets" else derive("project of the secret", one.project, said)
        name = object_name(f"{one.name}-{one.location}-{one.project}" if one.kind in OF_A_PLACE else one.name)
        deletable = not self._kept(one.kind, one.name)
        row = Row(**self._common(name, COMPONENTS[one.kind], project, deletable=deletable), resource=said)
        if one.kind == "buckets":
            location = derive("location of the bucket's key, as Cloud Storage writes it", one.location.upper(), said)
            # Of an adopted bucket nothing is said that cannot be changed.
            row.location = location if one.intent == "create" else None
            row.key = one.key
            return "storage-bucket", row
        if one.kind == "secrets":
            path = ("secrets", one.name, "secretManager")
            resource = self.platform.secrets[one.name].secret_manager
            row.resource = derive("name of the secret", resource.rpartition("/")[2], Value(resource, SpecAt(path)))
            return "secret-manager-secret", row
        row.region = derive("region of the gateway's cluster", one.location, said)
        if one.kind == "addresses":
            row.subnetwork = self._subnetwork(one) if one.internal else None
            return "compute-address", row
        if one.kind == "cloudArmor":
            at: SpecPath = ("cloudArmor", one.name)
            row.rules = [_rule(rule, at) for rule in armor_rules(self.platform.cloud_armor[one.name], at)]
            return "compute-security-policy", row
        row.project = project
        level = self.cloud.fleet.catalogue.default("infra.modelArmor")["confidence"]
        row.confidence = Value(level, Default("infra.modelArmor"))
        harms = ("DANGEROUS", "HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT")
        row.filters = [{"filterType": harm, "confidenceLevel": row.confidence} for harm in harms]
        return "model-armor-template", row

    def _subnetwork(self, one: Resource) -> Value:
        place = next(place for place in self.cloud.fleet.places if place.name == one.first)
        network = self.platform.projects[one.project].network.name
        name = place.cluster.subnetwork or (network if place.cluster.node_range is None else place.name)
        told = derive("subnetwork of the first cluster that uses it", name, Value(place.name, SpecAt(place.path)))
        return text("projects/{}/regions/{}/subnetworks/{}", self.project(one.project), Value(one.location, SpecAt(place.path[:2])), told)

    def cache(self, one: Cache, first: str) -> Drawn:
        at: SpecPath = ("storage", one.store, "anywhereCache")
        spec = self.platform.storage[one.store].anywhere_cache
        assert spec is not None
        place = next(place for place in self.cloud.fleet.places if place.name == first)
        project = self.project(place.cluster.project)
        common = self._common(object_name(f"{one.bucket}-{one.zone}"), "cache", project, deletable=self.management.deletable.caches)
        said = self._said(one.store, one.bucket)
        bucket = self._bucket(one.bucket, said, f"projects/{project.v}/buckets/{{}}")
        return "storage-anywhere-cache", Row(
            **common,
            bucket=bucket,
            zone=derive("zone of the region", one.zone, Value(one.letter, SpecAt((*at, "zones", one.region)))),
            ttl=derive("ttl in seconds", f"{seconds(spec.ttl)}s", written(spec, "ttl", at)),
            admission=text("admit-on-{}", written(spec, "admission", at)),
        )

    def _said(self, store: str, bucket: str) -> Value:
        location = next(at for at, name in self.platform.storage[store].buckets.items() if name == bucket)
        return Value(bucket, SpecAt(("storage", store, "buckets", location)))

    def transfer(self, one: Transfer, first: str) -> list[Drawn]:
        """The job, and what lets the service read one end and write the other."""
        place = next(place for place in self.cloud.fleet.places if place.name == first)
        project = self.project(place.cluster.project)
        source, sink = self._said(one.store, one.source), self._said(one.store, one.sink)
        name = object_name(f"{one.store}-to-{one.sink}")
        interval = self.cloud.fleet.catalogue.default("infra.transferInterval")
        job = Row(
            **self._common(name, "transfer", project, deletable=self.management.deletable.transfers),
            description=text("{} to {}", source, sink),
            interval=derive("the shortest repeat", f"{interval}s", Value(interval, Default("infra.transferInterval"))),
            source=self._bucket(one.source, source),
            sink=self._bucket(one.sink, sink),
        )
        number = Value(self.platform.projects[place.cluster.project].number, SpecAt(("projects", place.cluster.project, "number")))
        member, listing = text(AGENT, number), "roles/storage.legacyBucketReader"
        ends = ((one.source, source, VIEWER), (one.source, source, listing), (one.sink, sink, USER), (one.sink, sink, listing))
        found: list[Drawn] = [("storage-transfer-job", job)]
        for bucket, said, role in ends:
            needed = derive("what a transfer job needs", role, said)
            found.append(self._member(f"transfer-{one.store}", project, member, needed, self._on_bucket(bucket, said)))
        return found

    def grant(self, one: Grant) -> Drawn:
        cause = self.cloud.causes[one]
        because = Value(one.account, SpecAt(cause))
        project = self.project(one.project)
        number = Value(self.platform.projects[one.project].number, SpecAt(("projects", one.project, "number")))
        subject = Value(f"ns/{one.namespace}/sa/{one.account}", SpecAt(cause))
        member = text(
            "principal://iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/{}.svc.id.goog/subject/{}",
            number, project, subject,
        )  # fmt: skip
        role = derive("what its Pods do there", one.role, because)
        said = derive("what its Pods mount, write or read", one.on, because)
        if one.kind == "project":
            on = {"apiVersion": f"resourcemanager.{CNRM}/v1beta1", "kind": "Project", "external": said}
            return self._member(f"{one.namespace}-{one.account}", project, member, role, on)
        if one.kind == "bucket":
            return self._member(f"{one.namespace}-{one.account}", project, member, role, self._on_bucket(one.on, said))
        reference: dict[str, Any] = {"apiVersion": f"secretmanager.{CNRM}/v1beta1", "kind": "SecretManagerSecret"}
        key = next((k for k, secret in self.platform.secrets.items() if secret.secret_manager == one.on), "")
        if self.made("secrets", key) is not None:
            reference["name"] = derive("object of the secret", object_name(key), said)
        else:
            reference["external"] = said
        return self._member(f"{one.namespace}-{one.account}", project, member, role, reference)

    def _on_bucket(self, name: str, said: Value) -> dict[str, Any]:
        return {"apiVersion": f"storage.{CNRM}/v1beta1", "kind": "StorageBucket", **self._bucket(name, said)}

    def _member(self, who: str, project: Value, member: Value, role: Value, on: dict[str, Any]) -> Drawn:
        """Its name carries the hash of all it says: a grant is replaced, not changed."""
        told = f"{member.v} {role.v} {[item.v if isinstance(item, Value) else item for item in on.values()]}"
        name = f"{truncate_with_hash(who, NAME_LIMIT - 9)}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
        common = self._common(name, "grant", project, deletable=self.management.deletable.grants)
        return "iam-policy-member", Row(**common, member=member, role=role, on=on)


def _rule(rule: ArmorRule, path: SpecPath) -> dict[str, Any]:
    """One rule of a ComputeSecurityPolicy."""
    why = Value(rule.description, SpecAt(path))
    made: dict[str, Any] = {
        "description": derive("what the rule is for", rule.description, why),
        "priority": derive("denied, let in, everyone else", rule.priority, why),
        "action": derive(rule.description, rule.action, why),
        "preview": derive("preview of the policy", rule.preview, Value(rule.preview, SpecAt((*path, "preview")))),
        "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(rule.ranges)}},
    }
    rate = rule.rate
    if rate is not None:
        at = (*path, "rate")
        key: dict[str, Any] = {"enforceOnKey": derive("what tells callers apart", key_of(rate), Value(rate.requests, SpecAt(at)))}
        if rate.header:
            key["enforceOnKeyName"] = Value(rate.header, SpecAt((*at, "header")))
        counted = derive("per in seconds", interval(rate), written(rate, "per", at))
        made["rateLimitOptions"] = {
            "conformAction": "allow",
            "exceedAction": "deny(429)",
            **key,
            "rateLimitThreshold": {"count": written(rate, "requests", at), "intervalSec": counted},
        }
    return made


def object_name(name: str) -> str:
    """A Kubernetes name for a resource's. A bucket's may have underscores: then a hash keeps ``a_b`` apart from ``a-b``."""
    if "_" not in name:
        return truncate_with_hash(name, NAME_LIMIT)
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{truncate_with_hash(name.replace('_', '-'), NAME_LIMIT - 9)}-{mark}"
