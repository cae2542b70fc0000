"""Durations and sizes as people write them for Nextflow. Pure."""

import re

SECONDS = {
    "ms": 0.001, "milli": 0.001, "millis": 0.001, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60,
    "min": 60, "mins": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600, "d": 86400,
    "day": 86400, "days": 86400,
}  # fmt: skip
BYTES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}
_PART = r"(\d{1,12}(?:\.\d{1,6})?)[ .]?([a-zA-Z]+)"
_DURATION = re.compile(rf"{_PART}(?:[ ]{{0,3}}{_PART}){{0,5}}")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)[ .]?([A-Za-z]{0,2})")


def seconds(value: object) -> float:
    """A duration such as 48h, '2 min', 1d 12h or 10.min; a bare number is milliseconds, as in Nextflow.
    Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) / 1000
    text = str(value).strip()
    if not isinstance(value, str) or not _DURATION.fullmatch(text):
        raise ValueError(f"{value!r} is no duration such as '48h' or '2 min'")
    found = 0.0
    for number, unit in re.findall(_PART, text):
        if unit.lower() not in SECONDS:
            raise ValueError(f"{unit!r} is no unit of time: ms, s, m, h, d")
        found += float(number) * SECONDS[unit.lower()]
    return found


def duration(value: float) -> str:
    """Seconds as Nextflow reads them, exact to the millisecond."""
    for unit in ("d", "h", "m", "s"):
        if value and not value % SECONDS[unit]:
            return f"{int(value // SECONDS[unit])}{unit}"
    return f"{round(value * 1000)}ms"


def size(value: object) -> int:
    """Bytes of a size such as 16.GB or '500 MB'; a bare number is bytes. Raises ValueError."""
    found = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str | int) else None
    if found is None or isinstance(value, bool) or found[2].upper() not in BYTES:
        raise ValueError(f"{value!r} is no size such as '16 GB'")
    return int(float(found[1]) * BYTES[found[2].upper()])
