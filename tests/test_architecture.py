"""The import directions of the design, held by a test."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("worker", "alerts", "baselines", "binning", "config")
MAY_IMPORT = {
    "worker": {"worker", "alerts", "baselines", "binning", "config"},
    "alerts": {"alerts", "binning"},
    "baselines": {"baselines", "binning"},
    "binning": {"binning"},
    "config": {"config"},
}
ONLY_IN = {
    "kafka": ("worker/",),
    "redis": ("baselines/", "alerts/outbox"),
    "confluent_kafka": ("worker/demo/",),
    "torch": ("binning/",),
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_in_the_directions_of_the_design(package: str) -> None:
    strays = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imported(path)
        if (top := name.partition(".")[0]) in PACKAGES and top not in MAY_IMPORT[package]
    }
    assert strays == set()


def test_no_files_import_each_other_in_a_circle() -> None:
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for package in PACKAGES
        for path in modules(package)
    }
    TopologicalSorter({name: imported(path) & files.keys() for name, path in files.items()}).prepare()


def test_the_folders_of_the_worker_import_each_other_in_one_direction_only() -> None:
    rooms: dict[str, set[str]] = {}
    for path in modules("worker"):
        room = path.relative_to(ROOT / "worker").parts[0].removesuffix(".py")
        names = {name.split(".")[1] for name in imported(path) if name.startswith("worker.")}
        rooms.setdefault(room, set()).update(names - {room})
    TopologicalSorter(rooms).prepare()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_client_library_is_imported_only_where_its_io_lives(library: str) -> None:
    strays = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in modules(package)
        if library in {name.partition(".")[0] for name in imported(path)}
        and not str(path.relative_to(ROOT)).startswith(ONLY_IN[library])
    }
    assert strays == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is(package: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")))
    assert docstring


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_longer_than_250_lines(package: str) -> None:
    long = {
        f"{path.relative_to(ROOT)}: {count}"
        for path in modules(package)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 250
    }
    assert long == set()
