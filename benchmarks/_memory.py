"""Peak of resident memory of this process (Linux)."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """VmHWM, which unlike ru_maxrss does not include the peak of the parent process."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def reset_peak() -> None:
    """Let the peak start from the memory that is resident now."""
    Path("/proc/self/clear_refs").write_text("5")
