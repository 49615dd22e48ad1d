"""A small platform made by hand: two parts, five facets, two layers that restructure a list, facts of every sort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace as Row
from typing import Any

from inferspec.plan.objects import ClusterPlan, Facet, FleetPlan, Objects
from inferspec.plan.skeleton import Skeletons
from inferspec.values import Default, Scalar, SpecAt, Value, cluster_fact, derive

TEMPLATES = Path(__file__).parent / "templates"

Settings = Mapping[str, Any]

FLEET: dict[str, Any] = {
    "replicas": 2, "image": "example.com/server:v1", "flags": {"max-len": 8192}, "env": {"HF_HOME": "/cache"},
    "spot": False, "sidecars": ("metrics",), "port": 8000, "min": 1, "max": 8, "note": "yes", "annotations": {}, "data": {},
}

STAGE_PROD: dict[str, Any] = {"replicas": 4, "env": {"HF_HOME": "/cache", "LEVEL": "warn"}, "max": 16}
REGION_EUROPE: dict[str, Any] = {"image": "europe.example.com/server:v1", "sidecars": ("proxy", "metrics"), "port": 8001}

ODD_TEXTS: dict[str, str] = {
    "on": "off", "012": "012", "1e3": "1e3", "time": "12:30", "date": "2020-01-01", "null": "~", "space": " x ", "tab": "a\tb",
    "lines": "a\r\nb\n- c: d\n", "emoji": "\U0001f600", "quote": "\"'`", "empty": "", "hash": "a # b", "colon": "a: b", "dash": "- a",
    "return": "\r0\n", "hex": "0x1F", "merge": "<<", "under": "1_000", "inf": ".inf", "percent": "%d {} {{ x }}",
    "bang": "!x", "star": "*x", "long": "x y " * 300,
}


def load_template(name: str) -> str:
    return (TEMPLATES / f"{name}.yaml.j2").read_text(encoding="utf-8")


@dataclass
class Site:
    """A cluster of the test platform."""

    name: str
    region: str
    stage: str = "test"
    project: Scalar = "acme-prod"
    autoscaled: bool = True
    own: Mapping[str, Any] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()


SITES = (
    Site("usc1-canary", "us-central1", "canary"),
    Site("usc1-prod", "us-central1", "prod", autoscaled=False),
    Site("euw4-prod", "europe-west4", "prod", jobs=("copy-gemma-1a2b",)),
    Site("euw4-odd", "europe-west4", "prod", project="acme prod: \"quoted\"", own={"replicas": 9, "note": "no", "spot": True}),
    Site("euw4-number", "europe-west4", project=123456, own={"env": {}, "sidecars": (), "data": ODD_TEXTS}),
)


class Fleet:
    """Makes plans; settings may be changed before ``plan`` is called."""

    def __init__(self, sites: tuple[Site, ...] = SITES, fleet: Settings | None = None,
                 layers: Mapping[str, Settings] | None = None) -> None:
        self.sites = sites
        self.settings = {**FLEET, **(fleet or {})}
        self.layers = layers if layers is not None else {"stage-prod": STAGE_PROD, "region-europe-west4": REGION_EUROPE}
        self.skeletons = Skeletons(load_template)
        self._drawn: dict[str, Objects] = {}

    def plan(self) -> FleetPlan:
        facets = {}
        for name, part in {"core": "platform", "chat": "search", "chat-autoscaling": "search", "knative": "search"}.items():
            layers = {layer: self.objects(name, {**self.settings, **change}) for layer, change in self.layers.items()}
            facets[name] = Facet(name, part, self.objects(name, self.settings), layers)
        return FleetPlan("acme", ("platform", "search"), facets, tuple(self._cluster(site, facets) for site in self.sites))

    def applying(self, site: Site) -> tuple[str, ...]:
        return tuple(name for name in self.layers if name in (f"stage-{site.stage}", f"region-{site.region}"))

    def _cluster(self, site: Site, facets: Mapping[str, Facet]) -> ClusterPlan:
        layers = self.applying(site)
        settings = dict(self.settings)
        for layer in layers:
            settings.update(self.layers[layer])
        settings.update(site.own)
        here = [name for name in facets if name != "chat-autoscaling" or site.autoscaled]
        syncs = tuple(self._sync(site, part) for part in ("platform", "search"))
        target = Value("gs://a", SpecAt(("storage",)))
        own = tuple(self.skeletons.object("job", Row(name=name, args=["--to", target])) for name in site.jobs)
        return ClusterPlan(
            site.name, site.region,
            {"cluster": site.name, "region": site.region, "project": site.project, "email": f"server@{site.project}.iam.example.com"},
            {name: self.objects(name, settings) for name in here}, layers,
            own={"search": own} if own else {}, syncs=syncs, terraform={"cluster": site.name, "labels": {"stage": site.stage}},
        )

    def _sync(self, site: Site, part: str) -> Any:
        directory = f"overlays/acme/{site.region}/{site.name}/{part}"
        row = Row(name=part, directory=Value(directory, Default("delivery")), revision=setting("revision", "v1"))
        return self.skeletons.object("root-sync", row)

    def objects(self, facet: str, settings: Settings) -> Objects:
        key = f"{facet} {sorted(settings.items())!r}"
        if key not in self._drawn:
            self._drawn[key] = tuple(self.skeletons.object(template, row) for template, row in DRAW[facet](settings))
        return self._drawn[key]


def setting(name: str, value: Scalar) -> Value:
    return Value(value, SpecAt(("serving", "chat", name)))


def _core(_: Settings) -> list[tuple[str, Row]]:
    region, project = cluster_fact("region"), cluster_fact("project")
    return [
        ("namespace", Row(name="search-llm", region=region, project=project)),
        ("namespace", Row(name="dotted.name", region=region, project=project)),
    ]


def _chat(s: Settings) -> list[tuple[str, Row]]:
    replicas = None if s["replicas"] is None else setting("replicas", s["replicas"])
    args = [Value(f"--{flag}={value}", SpecAt(("serving", "chat", "flags", flag))) for flag, value in s["flags"].items()]
    limit = derive("2 x replicas", 2 * (s["replicas"] or 1), setting("replicas", s["replicas"] or 0))
    return [
        ("deployment", Row(
            name="chat", labels={"app": "chat", "example.com/note": setting("note", s["note"])}, replicas=replicas, spot=s["spot"],
            annotations={key: setting(key, value) for key, value in s["annotations"].items()},
            image=setting("image", s["image"]), args=["serve", *args], cluster=cluster_fact("cluster"), region=cluster_fact("region"),
            env=[Row(name=name, value=setting("env", value)) for name, value in s["env"].items()],
            limits={"example.com/gpu": limit}, sidecars=list(s["sidecars"]))),
        ("service", Row(name="chat", port=setting("port", s["port"]), cluster=cluster_fact("cluster"))),
        ("service-account", Row(name="server", email=cluster_fact("email"))),
        ("config-map", Row(name="notes", data={"0": cluster_fact("cluster"), "note.txt": setting("note", s["note"]),
                                               **{key: setting(key, value) for key, value in s["data"].items()}})),
    ]


def _autoscaling(s: Settings) -> list[tuple[str, Row]]:
    return [("autoscaler", Row(min=setting("min", s["min"]), max=setting("max", s["max"])))]


def _knative(s: Settings) -> list[tuple[str, Row]]:
    return [("serving-service", Row(name="chat", cluster=cluster_fact("cluster"), port=setting("port", s["port"] + 1)))]


DRAW = {"core": _core, "chat": _chat, "chat-autoscaling": _autoscaling, "knative": _knative}
