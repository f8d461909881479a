"""False pages on generated quiet traffic: day and night, a weekend that the reference has not seen, sessions.

    python -m benchmarks.quiet_hours --hours 2000

Ten dimensions are learned for 24 hours and then judged, on one-hour windows every ten minutes and by the code
of the worker, with nothing changing but hour, day type and chance. Every episode that opens is a false page.
The world is the one of the research note `statistics-2.md`, section 1.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alerts.persistence import Reading, Streak, advance
from baselines.evaluation import Evaluation, Window
from baselines.psi import divergence
from baselines.reference import FixedReference, Gates
from baselines.rolling import RollingReference
from baselines.windows import HOUR, STEP, Calendar, alpha

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Shares = NDArray[np.float64]

MONDAY = 408_840  # 2016-08-22 00:00 UTC, in hours since the epoch
SESSION, COPIED = 6, math.sqrt(0.2)  # turns of a session, part of them that repeat one bin: phi 2
WOBBLE = 3000.0
SLOTS = HOUR // STEP


@dataclass(frozen=True, slots=True)
class Kind:
    """One dimension: its mean shares, PSI of night against day, and of weekend against weekday."""

    name: str
    base: Shares
    night: float
    weekend: float


RANKED = 1 / np.arange(1, 34)
BASE8 = np.array([0.42, 0.22, 0.13, 0.09, 0.06, 0.045, 0.03, 0.005])
KINDS = (
    Kind("intent", BASE8, 0.25, 0.15),
    Kind("cluster", RANKED / RANKED.sum(), 0.15, 0.10),
    Kind("novelty", np.full(10, 0.1), 0.12, 0.05),
    Kind("language", np.array([0.8, 0.12, 0.05, 0.03]), 0.10, 0.06),
    Kind("category", BASE8, 0.10, 0.08),
    Kind("pattern", RANKED[:12] / RANKED[:12].sum(), 0.08, 0.10),
    Kind("flag", np.array([0.995, 0.005]), 0.0, 0.0),
    Kind("outcome", np.array([0.6, 0.37, 0.03]), 0.06, 0.05),
    Kind("words", np.full(10, 0.1), 0.05, 0.05),
    Kind("length", np.full(10, 0.1), 0.15, 0.12),
)


def tilt(base: Shares, towards: Shares, distance: float) -> Shares:
    """The log-odds direction, scaled so that `base` moved by it has this PSI against `base`."""
    low, high = 0.0, 8.0
    for _ in range(50):
        middle = (low + high) / 2
        moved = base * np.exp(middle * towards)
        moved /= moved.sum()
        low, high = (low, middle) if divergence(base, moved)[0] > distance else (middle, high)
    return low * towards


def is_weekend(hour: int) -> bool:
    """Whether the hour is one of a Saturday or Sunday."""
    return (hour - MONDAY) // 24 % 7 >= 5


def night_phase(hour: int) -> float:
    """0 at 14:00, 1 at 02:00."""
    return (1 - math.cos(2 * math.pi * (hour % 24 - 14) / 24)) / 2


@dataclass(slots=True)
class World:
    """Quiet traffic of one installation; `replaced` gives a dimension other mean shares from an hour on."""

    rng: np.random.Generator
    busiest: float = 3000.0
    quietest: float = 600.0
    replaced: dict[str, tuple[int, Shares]] = field(default_factory=dict)
    season: dict[str, tuple[Shares, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in KINDS:
            towards = self.rng.normal(size=(3, len(kind.base)))
            distances = (kind.night, kind.weekend, 0.03 if kind.weekend else 0.0)
            self.season[kind.name] = tuple(map(tilt, (kind.base,) * 3, towards, distances))

    def rate(self, hour: int) -> float:
        """Turns of an hour: most at 14:00, fewest at 02:00, three fifths of it at weekends."""
        turns = self.busiest + (self.quietest - self.busiest) * night_phase(hour)
        return turns * (0.6 if is_weekend(hour) else 1.0)

    def shares(self, kind: Kind, hour: int) -> Shares:
        """The true shares of one hour, wobble included."""
        night, weekend, evening = self.season[kind.name]
        since, base = self.replaced.get(kind.name, (0, kind.base))
        exponent = night * night_phase(hour)
        if is_weekend(hour):
            exponent = exponent + weekend + evening * math.exp(-(((hour % 24 - 21.5) / 3) ** 2))
        now = (base if hour >= since else kind.base) * np.exp(exponent)
        return self.rng.dirichlet(np.maximum(now / now.sum() * WOBBLE, 1e-3))

    def hour(self, kind: Kind, hour: int) -> Counts:
        """Turns of each bin in each step of an hour, (6, bins): sessions repeat themselves."""
        shares = self.shares(kind, hour)
        sessions = max(1, int(self.rng.poisson(self.rate(hour) / SESSION / SLOTS)))
        repeats = np.arange(SESSION + 1)
        chances = [math.comb(SESSION, k) * COPIED**k * (1 - COPIED) ** (SESSION - k) for k in range(7)]
        steps = []
        for _ in range(SLOTS):
            by_repeats = self.rng.multinomial(sessions, chances)
            free = sessions * SESSION - int(by_repeats @ repeats)
            drawn = self.rng.multinomial([*by_repeats, free], shares)
            steps.append(repeats @ drawn[:-1] + drawn[-1])
        return np.array(steps, dtype=np.int64)


class Page(NamedTuple):
    """An episode that opened: which dimension, and the end of the step in seconds since the epoch."""

    dimension: str
    at: int


@dataclass(slots=True)
class Watched:
    """One dimension under watch."""

    kind: Kind
    fixed: FixedReference
    rolling: RollingReference
    hours: dict[int, Counts]
    level: float
    steps: deque[tuple[int, Counts]] = field(default_factory=lambda: deque(maxlen=SLOTS))
    streak: Streak = field(default_factory=Streak)
    alerting: set[int] = field(default_factory=set)
    evaluations: int = 0

    def step(self, hour: int, end: int, counts: Counts) -> bool:
        """Judge the hour that ends at `end` (seconds); whether an episode opened."""
        self.steps.append((hour, counts))
        if len(self.steps) < SLOTS:
            return False
        first, last = self.steps[0][0], self.steps[-1][0]
        hourly = [(h, np.sum([c for at, c in self.steps if at == h], axis=0)) for h in sorted({first, last})]
        window, gates = Window(end - HOUR, end), Gates()
        fixed = self.fixed.judge(window, hourly, alpha=self.level, gates=gates)
        rolling = self.rolling.judge(
            window, hourly, self.hours, excluded=self.alerting, since=None, alpha=self.level, gates=gates
        )
        found = [each for each in (fixed, rolling) if isinstance(each, Evaluation)]
        if not found:
            return False
        self.evaluations += 1
        before = self.streak.alerting
        exceeds, calm = any(each.exceeds for each in found), all(each.calm for each in found)
        self.streak = advance(self.streak, Reading(end, exceeds, calm, found[0].displacement))
        if self.streak.alerting:
            self.alerting.add(hour)
        return self.streak.alerting and not before

    def learn(self, hour: int) -> None:
        """After an hour: how days differ, and the hour that ended three hours before it."""
        earlier = self.hours.get(hour - 24)
        if earlier is not None:
            self.fixed.learn_days(Window(hour * HOUR, (hour + 1) * HOUR), self.hours[hour], earlier)
        calm = not {hour - 3, hour - 2} & self.alerting
        around = self.hours.get(hour - 4), self.hours.get(hour - 2)
        self.fixed.absorb(hour - 3, self.hours[hour - 3], *around, calm=calm)


def watch(
    world: World, first: int, hours: int, *, level: float, kinds: tuple[Kind, ...] = KINDS
) -> tuple[list[Page], int]:
    """Learn 24 hours from `first`, judge the `hours` after them; the pages, and how many evaluations.

    `level` is the alpha of each test.
    """
    calendar, watched = Calendar(), []
    for kind in kinds:
        learned = {hour: world.hour(kind, hour).sum(0) for hour in range(first, first + 24)}
        fixed = FixedReference.learn(
            kind.name, learned, configured=True, counted_share=1.0, calendar=calendar
        )
        watched.append(Watched(kind, fixed, RollingReference(fixed), learned, level))
    pages = []
    for hour in range(first + 24, first + 24 + hours):
        for each in watched:
            steps = world.hour(each.kind, hour)
            for i, counts in enumerate(steps):
                end = hour * HOUR + (i + 1) * STEP
                if each.step(hour, end, counts):
                    pages.append(Page(each.kind.name, end))
            each.hours[hour] = steps.sum(0)
            each.learn(hour)
    return sorted(pages, key=lambda page: page.at), sum(each.evaluations for each in watched)


def upper_limit(events: int) -> float:
    """The one-sided 95 % upper limit of a Poisson mean after this many events."""
    mean, step = 0.0, 8.0 + 4.0 * events
    while step > 1e-9:
        trial = mean + step
        terms = [math.exp(-trial + k * math.log(trial) - math.lgamma(k + 1)) for k in range(events + 1)]
        mean, step = (trial if sum(terms) > 0.05 else mean), step / 2
    return mean


def main() -> None:
    """Watch installations, each learned on some weekday hour, until there are enough window-hours."""
    parser = argparse.ArgumentParser(description="False pages on generated quiet traffic.")
    parser.add_argument("--hours", type=int, default=2000, help="window-hours in all")
    parser.add_argument("--days", type=int, default=14, help="days that each installation is watched")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--false-pages", type=float, default=1.0, help="the knob: false pages a month")
    parser.add_argument("--busiest", type=float, default=3000.0, help="turns an hour at 14:00, weekdays")
    parser.add_argument("--quietest", type=float, default=600.0, help="turns an hour at 02:00, weekdays")
    asked = parser.parse_args()
    level = alpha(asked.false_pages, 1.0, 1, 1, len(KINDS))
    rng, pages, done, judged, began = np.random.default_rng(asked.seed), 0, 0, 0, time.monotonic()
    while done < asked.hours:
        hours = min(asked.days * 24, asked.hours - done)
        first = MONDAY + int(rng.integers(0, 4 * 24))
        world = World(np.random.default_rng(rng.integers(2**32)), asked.busiest, asked.quietest)
        found, evaluations = watch(world, first, hours, level=level)
        pages, done, judged = pages + len(found), done + hours, judged + evaluations
        named = ", ".join(f"{page.dimension} after {page.at / HOUR - first - 24:.1f} h" for page in found)
        print(f"{done:6} h  {len(found)} pages  {named}", flush=True)
    print(f"{done} window-hours of {len(KINDS)} dimensions, {judged} judged: {pages} pages")
    limit = 1000 * upper_limit(pages) / done
    print(f"{1000 * pages / done:.2f} per 1000, at most {limit:.2f} (95 %); {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
