"""What servers, pickers and processors are told so that they send spans, and servers so that they log JSON."""

from __future__ import annotations

from collections.abc import Iterable

from ...catalog import Catalogue
from ...catalog.engine_parts import Telemetry
from ...model.platform import Platform
from ...resolve.telemetry import LOG_FILE, LOGS, collector, json_logs, share, traced_by
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, derive, text

Told = dict[str, Value]
LOGGING = "logging"
"""The volume that the settings of a log are in."""


def of_server(workload: Workload) -> tuple[Told, Told]:
    """Flags by name and variables; none where no traces are asked for, or its version cannot make any."""
    w, told = workload, traced_by(workload)
    if told is None:
        return {}, {}
    return _told(w.platform, w.catalogue, told, f"engines.{w.engine.id}.traces", w.name, w.namespace)


def log_environment(workload: Workload) -> Told:
    """Variables of a server that is to write JSON."""
    told, asked = json_logs(workload), _json_asked(workload)
    if told is None or asked is None:
        return {}
    row = f"engines.{workload.engine.id}.jsonLogs.env"
    return {
        name: derive("logs are to be JSON", said.replace("{file}", LOG_FILE), asked, Value(said, FromCatalogue(f"{row}.{name}")))
        for name, said in told.env.items()
    }


def log_settings(workload: Workload) -> Value | None:
    """The file with the settings of its log; None for a server that needs none."""
    told, asked = json_logs(workload), _json_asked(workload)
    if told is None or asked is None or not told.document:
        return None
    row = f"engines.{workload.engine.id}.jsonLogs.document"
    return derive("logs are to be JSON", told.document, asked, Value(told.document, FromCatalogue(row)))


def log_map(workload: Workload) -> str:
    """Name of the ConfigMap that holds the file."""
    return f"{workload.name}-{LOGGING}"


def _json_asked(workload: Workload) -> Value | None:
    said = workload.platform.observability.logs.servers
    return Value(said, SpecAt((*LOGS, "servers"))) if said is not None else None


def of_stack(
    platform: Platform, catalogue: Catalogue, name: str, namespace: str, arguments: Iterable[str]
) -> tuple[list[Value | str], Told]:
    """``arguments`` and variables of a picker or a processor; as they are for one whose arguments have no such switch."""
    told = catalogue.stack(platform.stack).traces
    flags, variables = _told(platform, catalogue, told, f"stacks.{platform.stack}.traces", name, namespace)
    made: list[Value | str] = list(arguments)
    for i, argument in enumerate(arguments):
        flag = argument.partition("=")[0].removeprefix("--")
        if flag in flags:
            made[i] = text(f"--{flag}={{}}", flags[flag])
    return made, variables if any(isinstance(argument, Value) for argument in made) else {}


def _told(platform: Platform, catalogue: Catalogue, told: Telemetry, row: str, name: str, namespace: str) -> tuple[Told, Told]:
    where = collector(platform, catalogue)
    if where is None:
        return {}, {}
    places = {"{collector}": where, "{share}": share(platform, catalogue)}

    def settled(at: str, said: str | bool) -> Value:
        origin = Value(said, FromCatalogue(f"{row}.{at}"))
        if isinstance(said, bool):
            return derive("traces are asked for", said, where, origin)
        if said in places:
            return derive("as the traces are asked for", places[said].v, places[said], origin)
        return derive("traces are asked for", said.replace("{name}", name).replace("{namespace}", namespace), where, origin)

    flags = {flag: settled(f"flags.{flag}", text) for flag, text in told.flags.items()}
    return flags, {variable: settled(f"env.{variable}", text) for variable, text in told.env.items()}
