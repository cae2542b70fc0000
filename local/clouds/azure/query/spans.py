"""The span of time that a query is asked for."""

import datetime
import re

from local.clouds.azure.query import errors

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>[\d.]+)D)?"
    r"(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?"
)
ALWAYS = (
    datetime.datetime.min.replace(tzinfo=datetime.UTC),
    datetime.datetime.max.replace(tzinfo=datetime.UTC),
)


def read(text: str | None, now: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """ISO 8601: a duration up to now, start/end, start/duration or duration/end; none is always. Raises
    Refused."""
    if not text:
        return ALWAYS
    first, _, second = text.partition("/")
    try:
        if not second:
            return now - _duration(first), now
        if first.startswith("P"):
            return _moment(second) - _duration(first), _moment(second)
        start = _moment(first)
        return start, start + _duration(second) if second.startswith("P") else _moment(second)
    except (ValueError, OverflowError):
        raise errors.bad_parameter(f"'{text}' is no timespan.") from None


def _duration(text: str) -> datetime.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return datetime.timedelta(**{name: float(value) for name, value in match.groupdict().items() if value})


def _moment(text: str) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    return found.astimezone(datetime.UTC) if found.tzinfo else found.replace(tzinfo=datetime.UTC)
