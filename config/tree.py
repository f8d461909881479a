"""What keys the settings have, read off the models: for hints, for the environment and for secret files."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section. `section` is what lies below it, also for the entries of a list.

    `required` is false where the key may be null; `collection` says that its value is a list or a mapping.
    """

    name: str
    section: type[BaseModel] | None
    nullable: bool
    secret: bool
    mapping: bool
    collection: bool
    example: str


def children(model: type[BaseModel]) -> dict[str, Key]:
    """The keys of a section by their names in the file."""
    keys = {}
    for field_name, field in model.model_fields.items():
        name = field.alias or field_name
        parts = list(_parts(field.annotation))
        sections = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
        keys[name] = Key(
            name=name,
            section=sections[0] if sections else None,
            nullable=type(None) in parts,
            secret=SecretStr in parts,
            mapping=dict in parts,
            collection=bool(sections) or dict in parts or tuple in parts,
            example=str(field.examples[0]) if field.examples else "...",
        )
    return keys


def paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every key of the tree, dotted, sections before what is in them."""
    found = []
    for name, key in children(model).items():
        found.append(f"{prefix}{name}")
        if key.section is not None:
            found += paths(key.section, f"{prefix}{name}.")
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of, without what says how to check them."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif origin in (tuple, dict):
        yield origin
        yield from _parts(get_args(annotation)[0 if origin is tuple else 1])
    elif hasattr(annotation, "__metadata__"):
        yield from _parts(annotation.__origin__)
    else:
        yield annotation
