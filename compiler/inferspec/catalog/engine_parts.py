"""Parts of an engine's row: its flags by role, what it is told and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping

from .record import EMPTY, Record


class Flag(Record):
    """One flag the compiler writes itself, by role. A user may not set an ``owned`` one: it is derived from the object graph.

    ``value``: what it always has, for a role that nothing in the spec decides. ``multiple_of``: what its value must be a multiple of, where
    the engine finds that out on the accelerator alone. ``default``: the number that it takes by itself on a GPU, for plain attention.
    ``eight_bits``: the value that keeps eight bits where sixteen are; "" where the role is of something else, or nobody knows one.
    """

    name: str
    owned: bool = False
    since: str = ""
    value: str | int | bool | None = None
    multiple_of: int = 0
    default: int = 0
    eight_bits: str = ""


class Reserved(Record):
    """Flags that no spec may set, though the server takes them.

    ``because`` follows the flag's name in the message, ``instead`` is the way out.

    ``values``: those that are refused; all where it is empty.
    """

    flags: tuple[str, ...]
    because: str
    instead: str
    values: tuple[str, ...] = ()


class Bounds(Record):
    """What the engine refuses on one kind of accelerator when it starts, though its parser takes it.

    quantization    values of that role's flag that it takes; any where it is empty
    stored_refused  formats of published weights that it does not load
    connectors      of a KV transfer configuration
    hands_over      whether prompts can be read by servers of their own
    flags           flags it refuses, and why
    latent_env      variables, and ``latent_config``, a path of keys in its --additional-config, that latent attention (MLA) needs;
                    ``latent_off`` is the variable that turns such attention off
    """

    source: str
    quantization: tuple[str, ...] = ()
    stored_refused: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    hands_over: bool = True
    flags: Mapping[str, str] = EMPTY
    latent_env: Mapping[str, str] = EMPTY
    latent_config: str = ""
    latent_off: str = ""


class Group(Record):
    """How one copy of a model that spans nodes is started: arguments of every Pod, and what workers have besides.

    ``$(LWS_LEADER_ADDRESS)``, ``$(LWS_GROUP_SIZE)`` and ``$(LWS_WORKER_INDEX)`` are set by LeaderWorkerSet in each container.
    ``command`` replaces the engine's. ``worker_command`` does for a worker that runs another program, without the server's arguments.
    """

    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    worker_args: tuple[str, ...] = ()
    worker_command: tuple[str, ...] = ()
    env: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY


class Disaggregation(Record):
    """Prompts read by one server, answers made by another, the KV cache handed over between them.

    connector   what the routing sidecar calls the engine's way to hand over
    flags       by half, ``prefill`` and ``decode``
    pod_ip_env  variable that holds the Pod's own address, for the side channel
    """

    connector: str
    flags: Mapping[str, Mapping[str, str]]
    env: Mapping[str, str] = EMPTY
    pod_ip_env: str = ""


class Telemetry(Record):
    """What a program is told so that it sends spans, from version ``since`` on. ``{collector}``, ``{share}`` (of 1), ``{name}`` and
    ``{namespace}`` stand for what the spec says.

    ``flags`` by name, ``env`` by variable; ``source``: where it is said that the image carries what this needs.
    """

    source: str
    since: str = ""
    flags: Mapping[str, str | bool] = EMPTY
    env: Mapping[str, str] = EMPTY


class LogFormat(Record):
    """What a server is told so that its lines are JSON, from version ``since`` on: ``env`` by variable.

    ``document``: a file with the settings; ``{file}`` in a variable stands for where it is mounted.
    """

    source: str
    since: str = ""
    env: Mapping[str, str] = EMPTY
    document: str = ""


class Sidecar(Record):
    """A container beside the server, started before it and ended after it."""

    name: str
    image: str
    cpu: str
    memory: str
    args: tuple[str, ...] = ()
