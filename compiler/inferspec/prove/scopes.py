"""Which kinds live in a namespace. CRDs among the objects add to this; of a kind nobody knows nothing is claimed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .findings import group_of, mapping

Kind = tuple[str, str]
"""Group and kind."""


def _kinds(**by_group: str) -> frozenset[Kind]:
    return frozenset((_GROUPS[group], kind) for group, kinds in by_group.items() for kind in kinds.split())


_GROUPS = {
    "core": "",
    "apps": "apps",
    "batch": "batch",
    "policy": "policy",
    "autoscaling": "autoscaling",
    "rbac": "rbac.authorization.k8s.io",
    "net": "networking.k8s.io",
    "storage": "storage.k8s.io",
    "sched": "scheduling.k8s.io",
    "admission": "admissionregistration.k8s.io",
    "ext": "apiextensions.k8s.io",
    "apireg": "apiregistration.k8s.io",
    "node": "node.k8s.io",
    "coord": "coordination.k8s.io",
    "flow": "flowcontrol.apiserver.k8s.io",
    "certs": "certificates.k8s.io",
    "resource": "resource.k8s.io",
    "gateway": "gateway.networking.k8s.io",
    "pool": "inference.networking.k8s.io",
    "poolx": "inference.networking.x-k8s.io",
    "llmd": "llm-d.ai",
    "gke": "networking.gke.io",
    "class_": "cloud.google.com",
    "gmp": "monitoring.googleapis.com",
    "kueue": "kueue.x-k8s.io",
    "jobset": "jobset.x-k8s.io",
    "lws": "leaderworkerset.x-k8s.io",
    "keda": "keda.sh",
    "ray": "ray.io",
    "csi": "secrets-store.csi.x-k8s.io",
    "sync": "configsync.gke.io",
    "acm": "configmanagement.gke.io",
    "registry": "clusterregistry.k8s.io",
    "discovery": "discovery.k8s.io",
    "gkescale": "autoscaling.gke.io",
    "scalex": "autoscaling.x-k8s.io",
    "eso": "external-secrets.io",
    "netx": "net.gke.io",
}

CLUSTER_SCOPED = _kinds(
    core="Namespace Node PersistentVolume",
    rbac="ClusterRole ClusterRoleBinding",
    ext="CustomResourceDefinition",
    apireg="APIService",
    sched="PriorityClass",
    storage="StorageClass CSIDriver CSINode VolumeAttachment VolumeAttributesClass",
    node="RuntimeClass",
    net="IngressClass ServiceCIDR IPAddress",
    flow="FlowSchema PriorityLevelConfiguration",
    certs="CertificateSigningRequest ClusterTrustBundle",
    admission="ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration MutatingWebhookConfiguration",
    resource="DeviceClass ResourceSlice",
    gateway="GatewayClass",
    class_="ComputeClass",
    acm="ClusterSelector NamespaceSelector ConfigManagement",
    gmp="ClusterPodMonitoring ClusterRules GlobalRules ClusterNodeMonitoring",
    registry="Cluster",
    eso="ClusterSecretStore ClusterExternalSecret",
    kueue="ClusterQueue ResourceFlavor WorkloadPriorityClass Topology AdmissionCheck Cohort MultiKueueCluster MultiKueueConfig "
    "ProvisioningRequestConfig",
    keda="ClusterTriggerAuthentication",
)
NAMESPACED = _kinds(
    core="ConfigMap Secret Service ServiceAccount Pod PodTemplate PersistentVolumeClaim LimitRange ResourceQuota Endpoints Event "
    "ReplicationController",
    apps="Deployment StatefulSet DaemonSet ReplicaSet",
    batch="Job CronJob",
    policy="PodDisruptionBudget",
    autoscaling="HorizontalPodAutoscaler",
    rbac="Role RoleBinding",
    net="NetworkPolicy Ingress",
    storage="CSIStorageCapacity",
    coord="Lease",
    discovery="EndpointSlice",
    resource="ResourceClaim ResourceClaimTemplate",
    gateway="Gateway HTTPRoute GRPCRoute TCPRoute TLSRoute UDPRoute ReferenceGrant BackendTLSPolicy ListenerSet",
    pool="InferencePool",
    poolx="InferenceObjective InferenceModelRewrite InferencePoolImport",
    llmd="InferenceObjective InferenceModelRewrite",
    gke="HealthCheckPolicy GCPBackendPolicy GCPGatewayPolicy GCPTrafficExtension GCPRoutingExtension GCPTrafficDistributionPolicy "
    "GCPSessionAffinityPolicy GCPSessionAffinityFilter GCPAuthzPolicy GCPClientTLSPolicy GCPServerTLSPolicy GCPInferencePoolImport "
    "FrontendConfig ManagedCertificate ServiceAttachment",
    gmp="PodMonitoring Rules OperatorConfig",
    kueue="LocalQueue Workload",
    jobset="JobSet",
    lws="LeaderWorkerSet",
    keda="ScaledObject ScaledJob TriggerAuthentication",
    ray="RayCluster RayJob RayService RayCronJob",
    csi="SecretProviderClass",
    sync="RootSync RepoSync",
    gkescale="AutoscalingMetric",
    scalex="CapacityBuffer ProvisioningRequest",
    eso="ExternalSecret SecretStore",
    netx="ServiceExport ServiceImport",
)


class Scopes:
    """Scope of every kind, with the CRDs of one sync added."""

    def __init__(self, trees: Iterable[Mapping[str, Any]] = ()) -> None:
        self._said: dict[Kind, bool] = {}
        for tree in trees:
            if tree.get("kind") == "CustomResourceDefinition":
                spec = mapping(tree.get("spec"))
                self._said[str(spec.get("group")), str(mapping(spec.get("names")).get("kind"))] = spec.get("scope") == "Namespaced"

    def namespaced(self, tree: Mapping[str, Any]) -> bool | None:
        """True, False, or None for a kind that is not known. Config Connector's kinds are all namespaced."""
        kind = (group_of(tree), str(tree.get("kind")))
        if kind in self._said:
            return self._said[kind]
        if kind in CLUSTER_SCOPED:
            return False
        return True if kind in NAMESPACED or kind[0].endswith(".cnrm.cloud.google.com") else None
