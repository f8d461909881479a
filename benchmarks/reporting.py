"""The tables of the detection benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers.environments import PEERS
from rich.table import Table
from streams.world import CHANGES

if TYPE_CHECKING:
    from rich.console import Console

FLAG = CHANGES[0].name
BARS = {"first fortnight": "1.0", "after it": "", "28 days": "0.5"}


def show(results: dict[str, Any], console: Console, *, markdown: bool) -> None:
    """Print every table and the footnotes."""
    tables = [false_pages(results), changes(results), quadrants(results)]
    if results["labelled"]:
        tables.append(streams(results))
    if results["peers"]:
        tables += [beside_peers(results), peers_found(results)]
    for table in tables:
        if markdown:
            console.out(as_markdown(table), highlight=False)
        else:
            console.print(table)
    for note in notes(results):
        console.print(note, markup=False, highlight=False)


def as_markdown(table: Table) -> str:
    """The same table for a README."""
    rows = [[str(column.header) for column in table.columns], ["---"] * len(table.columns)]
    rows += [list(map(str, cells)) for cells in zip(*(column.cells for column in table.columns), strict=True)]
    return f"\n**{table.title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def notes(results: dict[str, Any]) -> list[str]:
    """What a reader must know of the tables."""
    sizes = " and ".join(
        f"{each['effective_n']:.0f} ({days} learned days)" for days, each in results["quadrants"].items()
    )
    lane = (
        "The fast lane is on. A page comes two minutes after its step or minute has ended, "
        "and finds a change only if it is new."
    )
    size = (
        f"Quadrants: effective N is 500 by the true design effect, and {sizes} by its own estimate, "
        "which adds what days may."
    )
    found = [lane, size]
    if results["peers"]:
        found += [f"{peer.name} ({', '.join(peer.requirements)}): {peer.settings}." for peer in PEERS]
    return found + [f"{name} is not in the table: {reason}" for name, reason in results["absent"].items()]


def _rate(rate: dict[str, Any]) -> str:
    return f"{rate['per_1000']:.2f} (<= {rate['at_most']:.2f})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int = 0) -> str:
    return "none" if value is None else f"{value:.{digits}f}"


def false_pages(results: dict[str, Any]) -> Table:
    """False pages of quadrift by era."""
    table = Table(
        "quiet traffic",
        "window-hours",
        "false pages",
        "per 1000 (95 % limit)",
        "bar",
        "episodes per 1000",
        title="False pages, ten dimensions",
    )
    for era, found in results["generated"].items():
        pages = found["pages"]
        table.add_row(
            era,
            str(pages["hours"]),
            str(pages["events"]),
            _rate(pages),
            BARS[era],
            _rate(found["episodes"]),
        )
    return table


def changes(results: dict[str, Any]) -> Table:
    """How known changes are found by quadrift."""
    table = Table(
        "change",
        "when",
        "changes",
        "within 2 windows",
        "median hours",
        "median turns",
        "driver right",
        title="Known changes at a random hour",
    )
    for change in CHANGES:
        for era in ("first fortnight", "after it"):
            found = results["generated"][era]["found"][change.name]
            if found["changes"]:
                table.add_row(
                    change.name,
                    era,
                    str(found["changes"]),
                    _share(found["within_two_windows"]),
                    _number(found["median_hours"], 2),
                    _number(found["median_turns"]),
                    _share(results["drivers"].get(change.name)),
                )
    return table


def quadrants(results: dict[str, Any]) -> Table:
    """The confusion matrix, by what was said at the page and of the first whole window."""
    names = ("steady", "world_changed", "system_changed", "both_moved", "no page")
    table = Table("truth", "days learned", "asked of", *names, title="Quadrants, 920 turns an hour, phi 1.84")
    for days, found in results["quadrants"].items():
        for at in ("page", "window"):
            for case, said in found[at].items():
                total = max(sum(said.values()), 1)
                shares = [f"{100 * said[name] / total:.1f} %" if said.get(name) else "" for name in names]
                table.add_row(case, days, at, *shares)
        table.add_row("category named first", days, "page", _share(found["named"]))
    return table


def streams(results: dict[str, Any]) -> Table:
    """Labelled streams: quadrift, and the peers with the plain matrix."""
    table = Table("tool", "named right", "false pages", "turns to page", title="Labelled streams")
    by_name: dict[str, list[dict[str, Any]]] = {"quadrift": results["labelled"]} | results["peers_labelled"]
    for name, rows in by_name.items():
        right = sum(row["right"] for row in rows)
        pages = sum(row["false_pages"] for row in rows)
        delays = ", ".join(
            f"{row['scenario'][:3]} {row['turns_to_page']}{'' if row['right'] else ' (wrong)'}"
            for row in rows
            if row["expected"] and row["turns_to_page"] is not None
        )
        table.add_row(name, f"{right} of {len(rows)}", str(pages), delays)
    return table


def _tools(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every tool's figures of all 28 days."""
    own = results["generated"]["28 days"] | {"alarmed": results["alarmed"]}
    peers = {name: found["28 days"] for name, found in results["peers"].items()}
    return {"quadrift": own, "quadrift, the peers' hours": results["same_hours"]} | peers


def beside_peers(results: dict[str, Any]) -> Table:
    """False pages of every tool on the same quiet hours."""
    table = Table(
        "tool",
        "window-hours",
        "false pages per 1000 (95 % limit)",
        "summed over dimensions",
        "quiet time in alarm",
        title="Quiet traffic through every tool",
    )
    for name, found in _tools(results).items():
        pages = found["pages"]
        each = f"{pages['per_1000']:.2f}"
        alarmed = "" if found["alarmed"] is None else f"{100 * found['alarmed']:.1f} %"
        table.add_row(name, str(pages["hours"]), _rate(found["episodes"]), each, alarmed)
    return table


def peers_found(results: dict[str, Any]) -> Table:
    """The same changes in every tool: share found within two windows by a new page, median hours."""
    names = [change.name for change in CHANGES]
    table = Table("tool", *names, title="Found within two windows by a new page (median hours)")
    for name, found in _tools(results).items():
        each = [found["found"][change] for change in names]
        cells = [f"{_share(f['within_two_windows'])} ({_number(f['median_hours'], 1)})" for f in each]
        table.add_row(name, *cells)
    return table
