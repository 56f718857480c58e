"""What the figures were taken on, and what a process costs: read from /proc, so Linux only."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

TICK = os.sysconf("SC_CLK_TCK")


def pin(core: int) -> None:
    """Keep this process on one core, where there are several."""
    if (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def go_first(pid: int) -> None:
    """Let the scheduler prefer this process's session to everything else on the machine; needs root."""
    Path(f"/proc/{pid}/autogroup").write_text("-15")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far, to the tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def written(pid: int) -> int:
    """Bytes that a process caused to be written to disks so far."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "write_bytes":
            return int(value)
    return 0


def rss_mb(pid: int) -> float:
    """Resident memory now."""
    return _status(pid, "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """The most resident memory since the process began."""
    return _status(pid, "VmHWM")


def _status(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"/proc/{pid}/status has no {key}")


def _machine_seconds() -> tuple[float, float]:
    """CPU time that everything on this machine has used so far, and that the host of a virtual machine took away."""
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICK, steal / TICK


class Noise:
    """How many cores others kept busy since this was made: other processes here, and other guests of the same host.

    With more than about 0.05 the latencies, above all p99, are those of a busy machine.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = (*pids, os.getpid())
        self._at = perf_counter()
        self._busy, self._stolen = _machine_seconds()
        self._ours = self._own()

    def _own(self) -> float:
        total = 0.0
        for pid in self._pids:
            with contextlib.suppress(OSError):
                total += cpu_seconds(pid)
        return total

    def cores(self) -> float:
        """Of both kinds together."""
        busy, stolen = _machine_seconds()
        others = max(0.0, busy - self._busy - (self._own() - self._ours))
        return (others + stolen - self._stolen) / (perf_counter() - self._at)


def fsync_ms(folder: Path, count: int = 400) -> tuple[float, float]:
    """p50 and p99 of write + fdatasync of 4 KB, appended."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(count):
            start = perf_counter()
            os.write(file.fileno(), b"\0" * 4096)
            os.fdatasync(file.fileno())
            times.append((perf_counter() - start) * 1000)
    return percentile(times, 50), percentile(times, 99)


def percentile(values: list[float], p: float) -> float:
    """The value that ``p`` percent do not exceed; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def facts(folder: Path) -> str:
    p50, p99 = fsync_ms(folder)
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, write+fdatasync 4 KB p50 {p50:.2f} ms p99 {p99:.2f} ms, "
        f"load average {os.getloadavg()[0]:.1f}"
    )
