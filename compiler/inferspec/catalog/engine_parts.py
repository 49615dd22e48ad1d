"""What an engine's row is made of: metrics, flags by role, groups over nodes, telemetry, versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from .forms import Half, Platform, SeriesType, Some, Text
from .record import EMPTY, Record

Version = tuple[int, ...]


@cache
def version_key(text: str) -> Version:
    """``0.11.2`` -> (0, 11, 2): 0.9 sorts before 0.11."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", text.split("-")[0]))


class Metric(Record):
    """One series. ``id`` is what scalers, pickers, dashboards and alerts name."""

    id: Text
    """Name of what it measures: queue-depth, running, kv-cache-usage, ttft and the others of `scale.metric`."""
    series: Text
    """Name of the series."""
    type: SeriesType
    """What it is."""
    since: str = ""
    """Engine version that has it first."""
    until: str = ""
    """Engine version that has it no more."""
    flag: str = ""
    """Flag that the engine has to be given for it."""
    unverified: bool = False
    """No source shows it."""
    labels: Mapping[Text, str] = EMPTY
    """Labels that choose it."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its own unit."""
    buckets_since: str = ""
    """Engine version from which these are the bounds."""
    buckets_flag: str = ""
    """Flag that sets others."""

    def boundaries(self, version: str) -> tuple[float, ...]:
        """The bounds in that version; none where they are not known."""
        return self.buckets if not self.buckets_since or version_key(self.buckets_since) <= version_key(version) else ()

    @property
    def timed(self) -> bool:
        """Whether it is a histogram of seconds."""
        return self.type == "histogram" and self.series.endswith("_seconds")

    def exists_in(self, version: str) -> bool:
        at = version_key(version)
        return (not self.since or version_key(self.since) <= at) and (not self.until or at < version_key(self.until))


class Flag(Record):
    """One flag the compiler writes itself, by role: the key of the map. A user may not set an ``owned`` one."""

    name: Text
    """The flag, as the engine takes it."""
    owned: bool = False
    """Derived from the object graph: a spec may not set it."""
    since: str = ""
    """Engine version that has it first."""
    value: str | int | bool | None = None
    """What it always has, for a role that nothing in the spec decides."""
    multiple_of: Some = 0
    """What its value must be a multiple of, where the engine finds that out on the accelerator alone."""
    positive: bool = False
    """Whether it wants a number above 0, which the engine does not ask for at once."""
    default: Some = 0
    """The number that it takes by itself on a GPU, for plain attention."""
    eight_bits: str = ""
    """The value that keeps eight bits where sixteen are; empty where the role is of something else, or nobody knows one."""


class Reserved(Record):
    """Flags that no spec may set, though the server takes them."""

    flags: tuple[Text, ...]
    """The flags, without dashes."""
    because: Text
    """Why; it follows the name of the flag in the message."""
    instead: Text
    """The way out."""
    values: tuple[Text, ...] = ()
    """Values that are refused; all where it is empty."""
    beside_prefill: bool = False
    """Only of a service whose prompts are read by servers of their own."""
    unless: Text = ""
    """A value that holds this text is let through."""


class Bounds(Record):
    """What the engine refuses on one kind of accelerator when it starts, though its parser takes it."""

    source: Text
    """Where it is seen."""
    quantization: tuple[Text, ...] = ()
    """Values of that role's flag that it takes; any where it is empty."""
    stored_refused: tuple[Text, ...] = ()
    """Formats of published weights that it does not load."""
    connectors: tuple[Text, ...] = ()
    """Connectors of a KV transfer configuration that it has."""
    hands_over: bool = True
    """Whether prompts can be read by servers of their own."""
    flags: Mapping[Text, Text] = EMPTY
    """Flag it refuses -> why."""
    latent_env: Mapping[Text, str] = EMPTY
    """Variables that latent attention (MLA) needs."""
    latent_config: str = ""
    """Path of keys in its --additional-config that latent attention needs."""
    latent_off: str = ""
    """Variable that turns latent attention off."""


class Group(Record):
    """How one copy of a model that spans nodes is started.

    ``$(LWS_LEADER_ADDRESS)``, ``$(LWS_GROUP_SIZE)`` and ``$(LWS_WORKER_INDEX)`` are set by LeaderWorkerSet in each container.
    """

    command: tuple[str, ...] = ()
    """Replaces the engine's."""
    args: tuple[str, ...] = ()
    """Arguments of every Pod."""
    worker_args: tuple[str, ...] = ()
    """What workers have besides."""
    worker_command: tuple[str, ...] = ()
    """Command of a worker that runs another program, without the server's arguments."""
    env: Mapping[Text, str] = EMPTY
    """Variables of every Pod."""
    annotations: Mapping[Text, str] = EMPTY
    """Annotations of every Pod."""


class Disaggregation(Record):
    """Prompts read by one server, answers made by another, the KV cache handed over between them."""

    connector: Text
    """What the routing sidecar calls the engine's way to hand over."""
    flags: Mapping[Half, Mapping[Text, str]]
    """Flags by half."""
    env: Mapping[Text, str] = EMPTY
    """Variables of both halves."""
    pod_ip_env: str = ""
    """Variable that holds the Pod's own address, for the side channel."""


class Telemetry(Record):
    """What a program is told so that it sends spans.

    ``{collector}``, ``{share}`` (of 1), ``{name}`` and ``{namespace}`` stand for what the spec says.
    """

    source: Text
    """Where it is said that the image carries what this needs."""
    since: str = ""
    """Version that takes it first."""
    flags: Mapping[Text, str | bool] = EMPTY
    """Flags by name."""
    env: Mapping[Text, str] = EMPTY
    """Variables."""


class LogFormat(Record):
    """What a server is told so that its lines are JSON."""

    source: Text
    """Where it is said that the image carries what this needs."""
    since: str = ""
    """Version that takes it first."""
    env: Mapping[Text, str] = EMPTY
    """Variables; `{file}` stands for where the document is mounted."""
    document: str = ""
    """A file with the settings."""


class Sidecar(Record):
    """A container beside the server, started before it and ended after it."""

    name: Text
    """Its name."""
    image: Text
    """Its image."""
    cpu: Text
    """CPU it asks for, a quantity in quotes."""
    memory: Text
    """Memory it asks for, a quantity."""
    args: tuple[str, ...] = ()
    """Its arguments."""


class EngineVersion(Record):
    """A version with its images."""

    version: Text
    """The version, in quotes."""
    images: Mapping[Platform, Text]
    """Platform -> tag of its image."""
    flag_tables: tuple[Text, ...] = ()
    """Tables a flag is checked against; one of the same version decides, two others are the versions around it."""
    inferred: tuple[Platform, ...] = ()
    """Platforms whose tag follows the naming pattern and was not seen."""

    @property
    def exact(self) -> bool:
        return self.flag_tables == (self.version,)
