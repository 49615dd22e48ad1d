"""Traces and logs: who is told to send spans and where, and what of a log is JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects

from tests import line

COLLECTOR = "http://otel.observability.svc:4317"


def made(**observability: Any) -> dict[str, dict[str, Any]]:
    """Kind/name -> manifest of the quickstart."""
    return of("quickstart", {"observability": observability})


def of(name: str, more: dict[str, Any], **chat: Any) -> dict[str, dict[str, Any]]:
    spec = line.data(name) | more
    spec["serving"]["chat"] |= chat
    plan = line.planned(line.written(spec))
    return {f"{i.kind}/{i.name}": tree for part in cluster_objects(plan, plan.clusters[0]).values() for i, tree in part.items()}


def container(tree: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    (found,) = tree["spec"]["template"]["spec"]["containers"]
    return found["args"], {entry["name"]: entry["value"] for entry in found.get("env", ())}


def spans(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("OTEL_")}


def test_nothing_is_sent_unless_asked_for() -> None:
    found = made()
    for name in ("Deployment/chat", "Deployment/chat-picker"):
        arguments, variables = container(found[name])
        assert not spans(variables) and "otlp" not in str(arguments)
    assert "--tracing=false" in container(found["Deployment/chat-picker"])[0]


def test_picker_and_server_send_to_one_collector_by_one_share() -> None:
    found = made(traces={"collector": COLLECTOR, "sample": 2.5})
    arguments, variables = container(found["Deployment/chat-picker"])
    sampled = {
        "OTEL_RESOURCE_ATTRIBUTES": "k8s.namespace.name=assistants",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.025",
    }
    assert "--tracing=true" in arguments and "--tracing=false" not in arguments
    asked = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_SERVICE_NAME": "chat-picker"}
    assert spans(variables) == {**asked, **sampled}
    arguments, variables = container(found["Deployment/chat"])
    assert f"--otlp-traces-endpoint={COLLECTOR}" in arguments
    assert spans(variables) == {"OTEL_SERVICE_NAME": "chat", **sampled}


def test_a_share_not_said_is_the_catalogues() -> None:
    assert container(made(traces={"collector": COLLECTOR})["Deployment/chat"])[1]["OTEL_TRACES_SAMPLER_ARG"] == "0.1"


def test_a_server_without_the_packages_is_not_told() -> None:
    found = of("quickstart", {"observability": {"traces": {"collector": COLLECTOR}}}, engine="vllm@0.11.2")
    arguments, variables = container(found["Deployment/chat"])
    assert not spans(variables) and "otlp" not in str(arguments)
    assert "--tracing=true" in container(found["Deployment/chat-picker"])[0]


def test_the_services_own_flag_and_variable_win() -> None:
    own = "http://127.0.0.1:4317"
    found = of(
        "quickstart",
        {"observability": {"traces": {"collector": COLLECTOR}}},
        flags={"otlp-traces-endpoint": own},
        env={"OTEL_TRACES_SAMPLER_ARG": "1"},
    )
    arguments, variables = container(found["Deployment/chat"])
    assert [a for a in arguments if "otlp" in a] == [f"--otlp-traces-endpoint={own}"]
    assert variables["OTEL_TRACES_SAMPLER_ARG"] == "1"


def test_the_managed_collector_is_that_of_the_cluster() -> None:
    spec = line.data("quickstart") | {"observability": {"traces": {"collector": "gke"}}}
    cluster = spec["regions"]["us-central1"]["clusters"]["usc1-demo"]
    cluster["addons"].append("managed-opentelemetry")
    cluster["gke"]["minVersion"] = "1.34.1-gke.2178000"
    plan = line.planned(line.written(spec))
    text = str([tree for part in cluster_objects(plan, plan.clusters[0]).values() for tree in part.values()])
    assert text.count("http://opentelemetry-collector.gke-managed-otel.svc.cluster.local:4317") == 2


@pytest.mark.parametrize(("stack", "traced"), [("gie-1.5", True), ("llm-d-router-0.10", False)])
def test_a_processor_is_told_where_it_has_the_switch(stack: str, traced: bool) -> None:
    spec = line.data("quickstart") | {"stack": stack, "observability": {"traces": {"collector": COLLECTOR}}}
    spec["serving"]["more"] = spec["serving"]["chat"] | {"expose": [{"gateway": "public", "as": "more"}]}
    plan = line.planned(line.written(spec))
    found = {f"{i.kind}/{i.name}": tree for part in cluster_objects(plan, plan.clusters[0]).values() for i, tree in part.items()}
    arguments, variables = container(found["Deployment/public-models"])
    assert ("--tracing=true" in arguments) is traced and "--tracing=false" not in arguments
    assert spans(variables).get("OTEL_EXPORTER_OTLP_ENDPOINT") == (COLLECTOR if traced else None)


def test_a_server_is_given_the_settings_of_its_log() -> None:
    found = made(logs={"servers": "json"})
    pod = found["Deployment/chat"]["spec"]["template"]["spec"]
    (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "logging"]
    (volume,) = [v for v in pod["volumes"] if v["name"] == "logging"]
    document = found[f"ConfigMap/{volume['configMap']['name']}"]["data"]
    ((name, text),) = document.items()
    assert container(found["Deployment/chat"])[1]["VLLM_LOGGING_CONFIG_PATH"] == f"{mount['mountPath']}/{name}"
    assert json.loads(text)["formatters"]["json"]["rename_fields"] == {"levelname": "severity"}


def test_a_server_with_a_variable_for_it_needs_no_file() -> None:
    found = of("quickstart", {"observability": {"logs": {"servers": "json"}}}, engine="tgi", expose=[])
    assert container(found["Deployment/chat"])[1]["JSON_OUTPUT"] == "true"
    assert "ConfigMap/chat-logging" not in found and "logging" not in str(found["Deployment/chat"]["spec"]["template"]["spec"]["volumes"])


@pytest.mark.parametrize(
    ("said", "sampled"), [({}, 100_000), ({"requests": 0.5}, 5_000), ({"requests": 0}, 0), ({"requests": 100}, 1_000_000)]
)
def test_the_load_balancer_logs_a_share_of_the_requests(said: dict[str, float], sampled: int) -> None:
    assert made(logs=said)["GCPBackendPolicy/chat"]["spec"]["default"]["logging"] == {"enabled": True, "sampleRate": sampled}
