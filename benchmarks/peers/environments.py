"""A virtual environment for each peer, made on demand by the benchmark itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

INSIDE = Path(__file__).parent / "inside"
READY = "ready"
INSTALL_S = 900


class Peer(NamedTuple):
    """One tool: what pip installs, and what its settings are (for the footnotes)."""

    name: str
    requirements: tuple[str, ...]
    settings: str

    @property
    def script(self) -> Path:
        """What runs in its environment."""
        return INSIDE / f"run_{self.name}.py"


PEERS = (
    Peer(
        "evidently",
        ("evidently==0.7.23", "pandas<3"),
        "PSI at its default threshold 0.1; the test that it chooses itself for categorical data: chi-square "
        "p < .05 up to 1000 reference rows, Jensen-Shannon distance >= 0.1 above",
    ),
    Peer(
        "frouros",
        ("frouros==0.9.0",),
        "its test for categorical data, ChiSquareTest, p < .01; PSI of bin numbers, one bin each, at 0.1",
    ),
    Peer(
        "optbinning",
        ("optbinning==1.0.0",),
        "`jeffrey` of the shares at 0.1 and 0.25; an empty bin makes it infinite, which is an alarm",
    ),
    Peer(
        "scouter",
        ("scouter-ml==0.25.0", "pandas<3", "pyarrow", "scipy"),
        "PSI of categorical features at its default PsiChiSquareThreshold(alpha .05), and fixed at 0.1",
    ),
    Peer(
        "nannyml",
        ("nannyml==0.13.1", "statsmodels"),
        "Jensen-Shannon and L-infinity distance by chunk of one window, thresholds of its own: 3 standard "
        "deviations of the reference's chunks",
    ),
)


class PeerError(Exception):
    """The peer cannot be installed or does not run; the message is its own last words."""


def python_of(peer: Peer, cache: Path) -> Path:
    """The interpreter of the peer's environment, which is made when it is missing.

    Raises:
        PeerError: pip failed.
    """
    home = cache / peer.name
    python = home / "bin" / "python"
    if not (home / READY).exists():
        venv.create(home, with_pip=True, clear=True)
        _run([str(python), "-m", "pip", "install", "--quiet", *peer.requirements], INSTALL_S)
        (home / READY).write_text("\n".join(peer.requirements), encoding="utf-8")
    return python


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of one stream, by the names of `inside/neutral.py`, and what peers decided of them.

    Kept in `folder` under a digest of the windows, the peer's script and its requirements.
    """

    folder: Path
    arrays: dict[str, np.ndarray]

    @property
    def count(self) -> int:
        """How many windows."""
        return len(self.arrays["windows"])

    def decided_by(self, peer: Peer) -> Path:
        """Where the peer's decisions are, once they are made."""
        digest = hashlib.sha256("".join(peer.requirements).encode())
        for script in (INSIDE / "neutral.py", peer.script):
            digest.update(script.read_bytes())
        for name, array in sorted(self.arrays.items()):
            digest.update(name.encode() + array.tobytes())
        return self.folder / f"{peer.name}-{digest.hexdigest()[:16]}.npz"

    def decisions(self, peer: Peer, cache: Path, limit_s: float) -> dict[str, np.ndarray]:
        """By setting, (windows, dimensions): whether it alarms.

        Raises:
            PeerError: the peer cannot be installed, fails, or takes more than `limit_s`.
        """
        target = self.decided_by(peer)
        if not target.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            source = target.with_suffix(".windows.npz")
            np.savez_compressed(source, **self.arrays)  # type: ignore[arg-type]  # numpy's own stub
            _run([str(python_of(peer, cache)), str(peer.script), str(source), str(target)], limit_s)
            source.unlink()
        with np.load(target) as file:
            return {name: file[name] for name in file.files}


def _run(command: list[str], limit_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise PeerError(f"took more than {limit_s:.0f} s") from None
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise PeerError(said[-1][:200] if said else f"exit status {done.returncode} of {sys.platform}")
