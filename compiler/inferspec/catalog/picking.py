"""What a release of the endpoint picker can be configured with: plugins, presets, fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .record import EMPTY, Record, listed


class PluginType(Record):
    """``role``: scorer, filter, picker, handler, decider, producer, admission, policy, source, extractor, parser or hook.

    ``params``: names that it takes, ``required`` those it does not start without. ``open``: they were not collected, or not all.
    ``old_params``: still read, and to be removed.
    """

    role: str
    params: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    old_params: tuple[str, ...] = ()
    open: bool = False
    alpha: bool = False
    deprecated: bool = False


class Plugin(Record):
    """A plugin of a configuration, with its parameters."""

    type: str
    parameters: Mapping[str, Any] = EMPTY


class PluginRef(Record):
    plugin: str
    weight: float | None = None


class Preset(Record):
    """Plugins of one scheduling profile, in their order."""

    source: str
    plugins: tuple[PluginRef, ...] = listed(PluginRef)


class Detector(Record):
    """The plugin that says how full a pool is, and its parameters by the spec's name for them."""

    type: str
    params: Mapping[str, str]
