"""Durations as the service writes them (ISO 8601), and its times."""

import re
import time

_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
UNLIMITED = "P10675199DT2H48M5.4775807S"
FOR_EVER = 10_000_000 * 86400.0
"""Seconds from which on a limit is none."""


def seconds(text: str) -> float:
    """Raises ValueError for what is no duration."""
    found = _SPAN.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"not a duration: {text}")
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest


def stamp(at: float) -> str:
    """A time of day in UTC, as the service writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}Z"
