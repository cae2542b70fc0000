"""Pages of a listing, as `max` and `offset` ask for them."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Query

T = TypeVar("T")

Most = Annotated[int, Query(alias="max", ge=0, le=1000)]
Offset = Annotated[int, Query(ge=0)]


def page(items: Sequence[T], most: int, offset: int) -> Sequence[T]:
    """That part of a listing."""
    return items[offset : offset + most]


def matches(search: str, *texts: str) -> bool:
    """Whether every word of a search is in one of the texts, in any case of letters."""
    return all(any(word in text.lower() for text in texts) for word in search.lower().split())
