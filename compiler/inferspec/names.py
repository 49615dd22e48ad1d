"""Kubernetes' grammars for names, labels and keys, and names that stay inside them.

Grammars: k8s.io/apimachinery/pkg/util/validation. Each ``*_problem`` returns "" for a good value, else why it is not, in one line.
"""

from __future__ import annotations

import hashlib
import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?\Z")
_PORT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+\Z")
_SEPARATORS = re.compile(r"[^a-z0-9]+")

LABEL_MAX = 63
SUBDOMAIN_MAX = 253


def _length(text: str, limit: int) -> str:
    return f"has {len(text)} characters, {limit} are allowed" if len(text) > limit else ""


def dns1123_label_problem(text: str) -> str:
    """Namespaces, container names and whatever becomes part of a host name."""
    if not _LABEL.match(text):
        return "must be lower-case letters, digits and '-', with a letter or digit at both ends (DNS-1123 label)"
    return _length(text, LABEL_MAX)


def dns1123_subdomain_problem(text: str) -> str:
    """Most object names."""
    if not all(_LABEL.match(part) for part in text.split(".")):
        return "must be lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part (DNS-1123 subdomain)"
    return _length(text, SUBDOMAIN_MAX)


def dns1035_problem(text: str) -> str:
    """Service names: as a DNS-1123 label, and the first character is a letter."""
    if not _LABEL_1035.match(text):
        return "must be lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit (DNS-1035 label)"
    return _length(text, LABEL_MAX)


def path_segment_problem(text: str) -> str:
    """RBAC object names: any path segment."""
    return "must be a path segment: no '/', no '%', not '.' or '..'" if text in ("", ".", "..") or "/" in text or "%" in text else ""


def label_value_problem(text: str) -> str:
    if not _VALUE.match(text):
        return "must be letters, digits, '-', '_' and '.', with a letter or digit at both ends, or empty"
    return _length(text, LABEL_MAX)


def qualified_key_problem(text: str) -> str:
    """Keys of labels and annotations: ``[dns-subdomain/]name``."""
    prefix, slash, name = text.rpartition("/")
    if slash and (why := dns1123_subdomain_problem(prefix)):
        return f"prefix {prefix!r} {why}"
    if not name or not _VALUE.match(name):
        return "name must be letters, digits, '-', '_' and '.', with a letter or digit at both ends"
    return _length(name, LABEL_MAX)


def port_name_problem(text: str) -> str:
    """Container port names (IANA_SVC_NAME)."""
    if len(text) > 15:
        return _length(text, 15)
    if not _PORT.match(text) or not any(c.isalpha() for c in text):
        return "must be lower-case letters, digits and single '-' between them, with at least one letter"
    return ""


def config_key_problem(text: str) -> str:
    """Keys of ConfigMaps and Secrets."""
    if text in (".", "..") or text.startswith("..") or not _CONFIG_KEY.match(text):
        return "must be letters, digits, '-', '_' and '.', and not begin with '..'"
    return _length(text, SUBDOMAIN_MAX)


def slug(text: str) -> str:
    """``google/gemma-3-27b_IT`` -> ``google-gemma-3-27b-it``: lower case, everything else a single '-'."""
    return _SEPARATORS.sub("-", text.lower()).strip("-")


def truncate_with_hash(name: str, limit: int) -> str:
    """``name`` if it fits, else its beginning and eight hex digits of its SHA-256, at most ``limit`` characters.

    The hash is of the whole name: two long names that begin alike stay different, and the same name gives the same result everywhere.
    """
    if len(name) <= limit:
        return name
    if limit < 10:
        raise ValueError(f"no room for a hash in {limit} characters")
    return f"{name[: limit - 9].rstrip('-._')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
