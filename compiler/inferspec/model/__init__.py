"""The shape of a spec: pydantic models, closed and strict, and the JSON Schema they publish."""

from .platform import API_VERSION, Platform

__all__ = ["API_VERSION", "Platform"]
