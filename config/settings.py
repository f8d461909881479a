"""All settings, with their defaults. A sidecar needs nothing but `kafka.topics` and an agent's name.

Values are checked when they are read (`config.load`); after that they never change. Names are those of the
YAML file; `learn.from` is called `begin` here, because `from` is a word of Python.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from config.alerting import Alerts
from config.connections import Kafka, Redis
from config.decide import DEFAULT_DECIDE, NEVER_DECIDING, canonical
from config.defined import DefinedDimension  # noqa: TC001 - pydantic reads it
from config.thresholds import Thresholds
from config.values import Duration, Moment, Names, Section, Text

_MOST_DEFINED = 20


class Agent(Section):
    """One agent: its name, and which records are its (all of them when nothing is named)."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["support-bot"])
    match: dict[str, Text] = Field(default_factory=dict)
    """The turn's `agent`, the `service` name or any attribute, each with the value it must have. The first
    agent that matches takes the record."""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Learn(Section):
    """What a first start learns from: the shortest range that has both minima, never over `at_most`."""

    begin: Moment = Field(default="earliest", alias="from")
    at_least: Duration = 24 * 3600
    turns: int = Field(default=1000, ge=100, le=1_000_000)
    at_most: Duration = 14 * 86_400

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 3600 <= self.at_least <= self.at_most:
            raise ValueError("at_least should be between 1h and at_most")
        return self


class Encoder(Section):
    """How texts become vectors. `encoder: auto` is short for `encoder: {kind: auto}`.

    `static` is fast, and exact in any batch; `transformer` is the model itself, in torch; `onnx` is an int8
    file of it, in onnxruntime; `auto` takes the best of them that keeps up with `turns_per_second`.
    """

    kind: Literal["static", "transformer", "onnx", "auto"] = "static"
    model: str = "all-MiniLM-L6-v2"
    """The name of a model, or the folder of a sentence-transformers model."""
    cache: Path = Field(default=Path("~/.cache/quadrift"), validate_default=True)
    turns_per_second: float = Field(default=50.0, gt=0, le=1_000_000)
    """What `auto` must keep up with: the turns that one worker embeds in its busiest second."""

    @model_validator(mode="before")
    @classmethod
    def _bare_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("cache")
    @classmethod
    def _home(cls, cache: Path) -> Path:
        try:
            return cache.expanduser()
        except RuntimeError:
            raise ValueError("should be a full path: this user has no home directory") from None


class Clusters(Section):
    """How many clusters of inputs: a number, or `min` and `max`, and the silhouette says how many of them."""

    min: int = Field(default=32, ge=2, le=256)
    max: int = Field(default=32, ge=2, le=256)

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        return {"min": value, "max": value} if isinstance(value, int | str) else value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min should not be above max")
        return self


class Binning(Section):
    """What the dimensions are made with. Without a path the built-in taxonomy and patterns serve."""

    clusters: Clusters = Clusters()
    taxonomy: Path | None = None
    responses: Path | None = None
    flags: Names = ("hallucination",)
    segments: dict[str, Names] = Field(default_factory=dict)
    dimensions: tuple[DefinedDimension, ...] = ()
    """Your own dimensions; they decide unless `decide` is given and leaves them out."""
    embedded_turns_per_hour: int = Field(default=50_000, ge=100)
    """Where an agent has more, a sample of about so many is embedded; its share is fixed by learning."""

    @property
    def defined(self) -> tuple[str, ...]:
        """Your own dimensions, `side.name`."""
        return tuple(dimension.key for dimension in self.dimensions)

    @field_validator("dimensions")
    @classmethod
    def _own_names(cls, dimensions: tuple[DefinedDimension, ...]) -> tuple[DefinedDimension, ...]:
        if len({dimension.name for dimension in dimensions}) != len(dimensions):
            raise ValueError("names a dimension twice: each needs a name of its own, also across sides")
        if len(dimensions) > _MOST_DEFINED:
            raise ValueError(f"should be at most {_MOST_DEFINED}: each one that decides costs power")
        return dimensions

    @field_validator("segments")
    @classmethod
    def _allowlists(cls, segments: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for attribute, values in segments.items():
            if not 1 <= len(values) <= 8 or len(set(values)) != len(values):
                raise ValueError("each attribute takes 1 to 8 different values; every other one is __other__")
            if any(not part or "=" in part or "/" in part for part in (attribute, *values)):
                raise ValueError("attributes and values may be neither empty nor contain = or /")
        return segments


class Http(Section):
    """Where the worker answers. Reading needs no token, so it is on loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65_535)


class Log(Section):
    """How the worker logs: `auto` is readable on a terminal and JSON anywhere else."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    ] = "info"


class Settings(Section):
    """Everything that one worker is told."""

    mode: Literal["run", "observe"] = "run"
    """`observe` judges and records, and sends nothing."""
    agents: Annotated[
        tuple[Agent, ...], BeforeValidator(lambda v: v.split(",") if isinstance(v, str) else v)
    ] = Field(min_length=1, max_length=100, examples=["[{name: support-bot}]"])
    kafka: Kafka
    redis: Redis = Redis()
    learn: Learn = Learn()
    encoder: Encoder = Encoder()
    binning: Binning = Binning()
    decide: Names = DEFAULT_DECIDE
    thresholds: Thresholds = Thresholds()
    false_pages_per_month: float = Field(default=1.0, gt=0, le=1000)
    time_zone: str = "UTC"
    lateness: Annotated[Duration, Field(ge=0, le=3600)] = 120
    """A window is judged when the watermark is this far past its end."""
    alerts: Alerts = Alerts()
    http: Http = Http()
    log: Log = Log()

    @field_validator("agents")
    @classmethod
    def _told_apart(cls, agents: tuple[Agent, ...]) -> tuple[Agent, ...]:
        if len({agent.name for agent in agents}) != len(agents):
            raise ValueError("names an agent twice")
        if any(not agent.match for agent in agents[:-1]):
            raise ValueError("only the last agent may do without match: it takes every record that is left")
        return agents

    @field_validator("decide")
    @classmethod
    def _known(cls, decide: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "binning" not in info.data:  # refused already, and with it perhaps the dimensions that it defines
            return decide
        defined = info.data["binning"].defined
        named = tuple(dict.fromkeys(canonical(name, defined) for name in decide))
        if NEVER_DECIDING in named:
            raise ValueError(f"may not hold {NEVER_DECIDING}: the agent chose the tool, not the user")
        return named

    @field_validator("thresholds", mode="before")
    @classmethod
    def _of_known_dimensions(cls, given: Any, info: ValidationInfo) -> Any:
        if "binning" not in info.data:
            return Thresholds()
        return Thresholds.model_validate(given, context=info.data["binning"].defined)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("should be a name of the time zone database, such as Europe/Berlin") from None
        return name

    @property
    def deciding(self) -> tuple[str, ...]:
        """The dimensions that may move a side: `decide`, or its default and all that the config defines."""
        given = "decide" in self.model_fields_set
        return self.decide if given else (*self.decide, *self.binning.defined)

    def decides(self, dimension: str) -> bool:
        """Whether `side.name` may move its side; `output.flags` speaks for every flag."""
        return dimension in self.deciding or dimension.partition(":")[0] in self.deciding

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the logger to blot out."""
        return tuple(sorted({*_secrets(self), *self.redis.secrets()}, key=len, reverse=True))


def _secrets(section: BaseModel) -> list[str]:
    found: list[str] = []
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, BaseModel):
            found += _secrets(value)
    return found
