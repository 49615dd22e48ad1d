"""An EndpointPickerConfig of a spec's own: what is written is what the picker reads, as every reader of YAML reads it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inferspec.diagnostics import Severity
from inferspec.plan.views.picker_text import text
from ruamel.yaml import YAML

from tests import line
from tests.picking import OWN, emitted, found, refused, spec, vetted, written

EVENTS = '{"enable_kv_cache_events": true, "publisher": "zmq", "endpoint": "tcp://*:5561"}'


def test_what_is_written_is_what_the_picker_reads() -> None:
    head = {"apiVersion": "llm-d.ai/v1alpha1", "kind": "EndpointPickerConfig"}
    assert emitted(spec({"config": OWN})) == {**head, **OWN}


def test_the_order_of_keys_changes_nothing() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert written(spec({"config": turned(OWN)})) == written(spec({"config": OWN}))


def test_an_alpha_plugin_is_allowed_and_no_other_picker_is_told() -> None:
    def arguments(picker: Any) -> list[str]:
        deployment = found(line.planned(line.written(spec(picker))), "Deployment", "chat-picker").tree()
        return list(deployment["spec"]["template"]["spec"]["containers"][0]["args"])

    assert arguments({"config": OWN}) == [*arguments(None), "--allow-experimental-plugins=true"]
    assert arguments({"config": {"plugins": [{"type": "queue-scorer"}]}}) == arguments(None)


def test_a_changed_configuration_restarts_the_picker() -> None:
    def digest(picker: Any) -> str:
        deployment = found(line.planned(line.written(spec(picker))), "Deployment", "chat-picker").tree()
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["inferspec.dev/config"])

    assert len({digest(picker) for picker in (None, {"preset": "prefix-heavy"}, {"flowControl": {}}, {"config": OWN})}) == 4


def test_servers_let_the_picker_follow_their_events() -> None:
    """Engine, picker, network policy: the port of the events is one."""
    producer = {"type": "precise-prefix-cache-producer", "parameters": {"tokenProcessorConfig": {"blockSize": 64}}}
    tokens = {"type": "token-producer", "parameters": {"modelName": "qwen3-32b", "vllm": {"url": "http://chat.search-llm:8000"}}}
    config = {
        "plugins": [tokens, producer, {"type": "prefix-cache-scorer"}, {"type": "endpoint-notification-source"}],
        "dataLayer": {"sources": [{"pluginRef": "endpoint-notification-source", "extractors": [{"pluginRef": producer["type"]}]}]},
    }
    made = spec({"config": config}, flags={"block-size": 64, "kv-events-config": EVENTS})
    assert [d for d in vetted(made) if d.code == "GTW116"] == []
    plan = line.planned(line.written(made))
    rules = found(plan, "NetworkPolicy", "chat").tree()["spec"]["ingress"]
    (mine,) = [rule for rule in rules if rule["from"] == [{"podSelector": {"matchLabels": {"app": "chat-picker"}}}]]
    assert [port["port"] for port in mine["ports"]] == [5561, 8000]
    assert refused(emitted(made), "llm-d-router-0.10") == []


def test_a_configuration_names_the_service_of_each_variant() -> None:
    made = spec({"config": {"plugins": [{"type": "token-producer", "parameters": {"vllm": {"url": "http://{service}:8000"}}}]}})
    chat = made["serving"]["chat"]
    places = {"live": "usc1-prod", "early": "usc1-canary"}
    chat["variants"] = {name: {"capacity": chat["capacity"], "where": {"cluster": place}} for name, place in places.items()}
    del chat["capacity"], chat["where"]
    for name in ("chat-live", "chat-early"):
        (plugin,) = emitted(made, name)["plugins"]
        assert plugin["parameters"]["vllm"]["url"] == f"http://{name}:8000"
        assert found(line.planned(line.written(made)), "Service", name)


def test_metrics_on_a_port_of_their_own_are_read_there() -> None:
    def triton(*more: dict[str, Any]) -> dict[str, Any]:
        made = line.data("engines")
        made["stack"] = "llm-d-router-0.10"
        made["serving"]["triton"]["picker"] = {"config": {"plugins": [{"type": "queue-scorer"}, *more]}}
        return made

    source = {"type": "metrics-data-source", "parameters": {"port": 8002}}
    assert emitted(triton(), "triton")["plugins"] == [{"type": "queue-scorer"}, source]
    assert emitted(triton(source), "triton")["plugins"] == [{"type": "queue-scorer"}, source]
    for wrong in ({"type": "metrics-data-source"}, {**source, "parameters": {"port": 8000}}):
        (one,) = [d for d in vetted(triton(wrong)) if d.code == "GTW116"]
        assert "are on 8002" in one.message and one.path[:6] == ("serving", "triton", "picker", "config", "plugins", 1)


@pytest.mark.parametrize(
    "broken", ["text", 5, [], [1], {"pluginRef": 3}, {"sources": 1}, {"sources": [{"extractors": "x"}]}, {"priorityBands": [[]]}]
)
@pytest.mark.parametrize("section", ["dataLayer", "flowControl", "requestHandler", "saturationDetector", "parser"])
def test_no_form_of_a_section_is_more_than_a_finding(section: str, broken: Any) -> None:
    found = vetted(spec({"config": {"featureGates": ["flowControl"], "plugins": [{"type": "queue-scorer"}], section: broken}}))
    assert {d.path[:3] for d in found if d.severity is Severity.ERROR} <= {("serving", "chat", "picker")}


def test_a_finding_stands_where_the_mistake_is() -> None:
    parameters = {"queueDepthTreshold": 5}
    made = spec({"config": {"plugins": [{"type": "queue-scorer"}, {"type": "utilization-detector", "parameters": parameters}]}})
    (one,) = [d for d in vetted(made) if d.code == "GTW113"]
    assert one.path == ("serving", "chat", "picker", "config", "plugins", 1, "parameters", "queueDepthTreshold")
    shown = line.written(made).splitlines()[one.span.line - 1]
    assert shown[one.span.column - 1 : one.span.end_column - 1] == '"queueDepthTreshold"'
    assert one.help == "did you mean 'queueDepthThreshold'?" and one.severity is Severity.ERROR


# -- text ----------------------------------------------------------------------------------------------------------------

_WORDS = st.text("abyno1e.:-#'\"{}[], \\té", max_size=8)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.sampled_from([0.25, 1.5, -2.0, 1e-7, 1e20]) | _WORDS
_KEYS = st.text("abyno1.", min_size=1, max_size=4)
_NODES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(_KEYS, _NODES, min_size=1, max_size=4))
def test_every_reader_reads_the_text_as_it_was_meant(document: dict[str, Any]) -> None:
    assert YAML(typ="safe").load(text(document)) == document
    assert yaml.safe_load(text(document)) == document
