"""The shape of what a tool was given or gave back: which keys it has, never a value.

Keys can be data (an object that maps order numbers or addresses to something), so they are folded: digits to
`#`, what is no identifier to `*`, an object of very many keys to `*` alone.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

import msgspec

Skeleton = Any
"""Nested tuples of keys, hashable and quick to make: what equal shapes have in common before any folding."""

_DEPTH = 3
_MOST_KEYS = 40
_LONGEST_JSON = 16_384
_LONGEST_NAME = 72
_CONTAINERS = frozenset({dict, list})
_DIGITS = re.compile(r"\d+")
_IDENTIFIER = re.compile(r"[^\W\d][\w$.#-]{0,39}")
_LIST = "[]"
_MANY = ("*",)
_TEXT = "plain text"


def skeleton(value: Any) -> Skeleton | None:
    """The keys of a value, three levels deep; None where there is no value.

    Text that is written JSON is read first, up to 16,384 characters. Of a list the first element counts.
    """
    if isinstance(value, str):
        return _of_text(value)
    if value is None:
        return None
    if value.__class__ in _CONTAINERS:
        return _keys(value, _DEPTH)
    return "plain yes/no" if isinstance(value, bool) else "plain number"


def paths(found: Skeleton) -> tuple[str, ...]:
    """The parts of a shape, sorted: `id`, `rows[].id`; two words, unlike any path, for what has no keys."""
    if isinstance(found, str):
        return (found,)
    return tuple(sorted(set(_paths(found, ""))))


def shape_name(parts: tuple[str, ...]) -> str:
    """The parts as one name of at most 80 characters; one that had to be cut tells itself by a hash."""
    name = ", ".join(parts)
    if len(name) <= _LONGEST_NAME:
        return name
    shown = name[:_LONGEST_NAME].rpartition(", ")[0] or name[:40]
    return f"{shown} #{blake2b(name.encode(), digest_size=3).hexdigest()}"


def _of_text(text: str) -> Skeleton:
    head = text[:64].lstrip()[:1]
    if head not in ("{", "["):
        return _TEXT
    if len(text) > _LONGEST_JSON:
        return "long text"
    try:
        return _keys(msgspec.json.decode(text), _DEPTH)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _TEXT


def _keys(value: Any, depth: int) -> Skeleton:
    """An object is the tuple of its keys, each with its own skeleton where it holds another container."""
    if value.__class__ is list:
        inner = value[0] if value and depth > 1 else None
        return ((_LIST, _keys(inner, depth - 1)),) if inner.__class__ in _CONTAINERS else (_LIST,)
    if len(value) > _MOST_KEYS:
        return _MANY
    if depth == 1:
        return tuple(value)
    return tuple(
        [
            (key, _keys(inner, depth - 1)) if inner.__class__ in _CONTAINERS else key
            for key, inner in value.items()
        ]
    )


def _paths(found: Skeleton, prefix: str) -> list[str]:
    if not found:
        return [f"{prefix}{{}}"]
    own: list[str] = []
    for entry in found:
        key, inner = entry if isinstance(entry, tuple) else (entry, None)
        path = _path(prefix, key)
        own += [path] if inner is None else _paths(inner, path)
    return own


def _path(prefix: str, key: Any) -> str:
    if key == _LIST:
        return f"{prefix}[]"
    folded = _DIGITS.sub("#", key) if isinstance(key, str) else "*"
    safe = folded if _IDENTIFIER.fullmatch(folded) else "*"
    return f"{prefix}.{safe}" if prefix else safe
