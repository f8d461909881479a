"""What is wrong with the settings, in one line that says what to do and never repeats a value."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from config.tree import children, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_KINDS = {
    "string_type": "should be text (put a number or yes/no in quotes)",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "finite_number": "should be a finite number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "tuple_type": "should be a list, such as [a, b]",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "model_attributes_type": "should be a mapping of keys to values",
    "path_type": "should be a path",
    "string_pattern_mismatch": "has characters that are not allowed there (letters, digits, . _ - are)",
}


_SHOWN = 3


class ConfigError(Exception):
    """The settings cannot be used. Its text is one line for a person, with no value in it."""


def explain(
    error: ValidationError, model: type[BaseModel], source: Callable[[tuple[int | str, ...]], str]
) -> ConfigError:
    """The first problems that validation found, unknown keys before all others.

    `source` names where the value at a location came from.
    """
    problems = sorted(error.errors(include_input=False, include_url=False), key=_rank)
    sentences = [f"{source(problem['loc'])}: {_sentence(problem, model)}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        sentences.append(f"and {len(problems) - _SHOWN} more")
    return ConfigError("; ".join(sentences))


def unknown_key(key: str, parent: Sequence[str], model: type[BaseModel] | None, root: type[BaseModel]) -> str:
    """A sentence on a key that does not exist, with the nearest one that does."""
    known = sorted(children(model)) if model else []
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        hint = f"did you mean {_dotted((*parent, near[0]))}?"
    else:
        elsewhere = {path.rpartition(".")[2]: path for path in reversed(paths(root))}
        moved = get_close_matches(key, list(elsewhere), n=1, cutoff=0.75)
        hint = f"did you mean {elsewhere[moved[0]]}?" if moved else f"known keys there: {', '.join(known)}"
    return f"unknown key {_dotted((*parent, key))}; {hint}"


def _rank(problem: ErrorDetails) -> int:
    return 0 if problem["type"] == "extra_forbidden" else 1


def _sentence(problem: ErrorDetails, root: type[BaseModel]) -> str:
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    if problem["type"] == "extra_forbidden":
        model = _model_at(root, location[:-1])
        return unknown_key(location[-1], location[:-1], model, root)
    where = _dotted(location)
    if problem["type"] == "missing":
        return f"{where} is missing; for example {location[-1]}: {_example(root, location)}"
    return f"{where} {_reason(problem)}".strip()


def _reason(problem: ErrorDetails) -> str:
    """What is expected. Only texts that are known to hold no value get here."""
    if problem["type"] in _KINDS:
        return _KINDS[problem["type"]]
    context: dict[str, Any] = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return str(context["error"])
    if problem["type"] == "too_short":
        return (
            f"needs at least {context['min_length']} {'entry' if context['min_length'] == 1 else 'entries'}"
        )
    if problem["type"] == "literal_error":
        return f"should be {context['expected']}"
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, words in bounds.items():
        if name in context:
            return f"should be {words} {context[name]}"
    return f"is not valid ({problem['type'].replace('_', ' ')})"


def _dotted(location: Sequence[str]) -> str:
    text = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in location)
    return text.removeprefix(".") or "the settings"


def _model_at(root: type[BaseModel], location: Sequence[str]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    named = False  # below a mapping of sections comes a name that is nobody's key
    for part in location:
        if named:
            named = False
        elif model is not None and not part.isdigit():
            key = children(model).get(part)
            model, named = (key.section, key.mapping) if key is not None else (None, False)
    return model


def _example(root: type[BaseModel], location: Sequence[str]) -> str:
    model = _model_at(root, location[:-1])
    return children(model)[location[-1]].example if model else "..."
