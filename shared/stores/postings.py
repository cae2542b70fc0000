"""The search index of stores that only list keys in order, and the search in it.

Each value that a record is found by, and each three letters of its texts, has a posting: a row under
(kind, scope, posting) that stands where its record stands. A search reads the postings of all that it looks
for, the highest first, and leaps: each list is taken up at once where the others are. So it reads about as
much as its rarest part has, whatever the size of the others. A posting of letters carries the texts that
they are of, so a word is checked without reading records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from shared.errors import Refused
from shared.model.records import Record, Sought
from shared.model.search import Query, grams
from shared.ports import Hits

ALL = ""
"""The posting of every record, with all its texts."""
PIECES = 4
"""Postings that one word is looked up by, at most."""
FIRST = 100
"""Rows of a list's first page; the ones after it grow."""
READS, COUNTING = 60, 20
"""Pages that a search may read for what it shows (besides those it skips over), and then to count on."""


HIGHEST = "\U0010ffff"
"""An id that is not below any other."""


class Place(NamedTuple):
    """Where a record stands: by its sort key, then its id."""

    sort: str
    id: str


class Posting(NamedTuple):
    """A record in one list."""

    place: Place
    text: str


Page = tuple[Sequence[Posting], bool]
Read = Callable[[str, Place | None, bool, int], Page]
"""Reads a list: which, from which place down (None: the top), whether that place itself counts, how many.
The rows, and whether there are more."""


def of(sought: Sought | None) -> dict[str, str]:
    """The postings of a record, each with the texts that it carries. Stored lists are found again by
    this very function: what it gives for a record may not change without writing all of them anew."""
    if sought is None:
        return {}
    found = {ALL: "\n".join(sought.texts), **{f"={term}": "" for term in sought.terms}}
    for text in sought.texts:
        for gram in grams(text):
            key = f"~{gram}"
            found[key] = f"{found[key]}\n{text}" if key in found else text
    return found


class Seekable(Protocol):
    """A list of places, the highest first."""

    def seek(self, place: Place | None, beyond: bool) -> Place | None:
        """The first at or below a place, or only below it. Places are asked for in falling order."""


class Spent(Exception):
    """No more pages may be read."""


class Lists:
    """A store's lists, between the bounds of one search."""

    def __init__(self, read: Read, query: Query, largest: int, pages: int) -> None:
        self._read, self._largest, self._since = read, largest, query.since
        self.top = Place(query.upto, HIGHEST) if query.upto else None
        self.pages = pages
        """How many may be read still."""

    def page(self, key: str, place: Place | None, itself: bool, size: int) -> Page:
        """A page of one list. Raises Spent."""
        if self.pages <= 0:
            raise Spent
        self.pages -= 1
        rows, more = self._read(key, place, itself, min(size, self._largest))
        within = [row for row in rows if row.place.sort >= self._since]
        return within, more and len(within) == len(rows)


class Listed:
    """One posting's list, read page by page and only where it is asked for."""

    def __init__(self, lists: "Lists", key: str, word: str = "") -> None:
        self._lists, self._key, self._word = lists, key, word
        self._rows: Sequence[Posting] = ()
        self._at = 0
        self._more = True
        self._size = FIRST

    def seek(self, place: Place | None, beyond: bool) -> Place | None:
        """See `Seekable`."""
        place = self._lists.top if place is None else place
        while True:
            found = self._in_hand(place, beyond)
            if found is not None or not self._more:
                return found
            self._next(place, beyond)

    def _in_hand(self, place: Place | None, beyond: bool) -> Place | None:
        while self._at < len(self._rows):
            row = self._rows[self._at]
            above = place is not None and (row.place > place or (beyond and row.place == place))
            if not above and self._word in row.text:
                return row.place
            self._at += 1
        return None

    def _next(self, place: Place | None, beyond: bool) -> None:
        """The page after the one in hand, or, when the place is further down, the page from there."""
        last = self._rows[-1].place if self._rows else None
        if last is not None and (place is None or place >= last):
            place, beyond = last, True
        self._rows, self._more = self._lists.page(self._key, place, not beyond, self._size)
        self._at = 0
        self._size *= 4


class Either:
    """What is in one of several lists."""

    def __init__(self, lists: Sequence[Seekable]) -> None:
        self._lists = lists

    def seek(self, place: Place | None, beyond: bool) -> Place | None:
        """See `Seekable`."""
        found = (each.seek(place, beyond) for each in self._lists)
        return max((each for each in found if each is not None), default=None)


def both(lists: Sequence[Seekable]) -> Iterator[Place]:
    """The places that are in all lists."""
    place: Place | None = None
    beyond, agreed = False, 0
    while True:
        for each in lists:
            found = each.seek(place, beyond)
            if found is None:
                return
            agreed = agreed + 1 if found == place else 1
            place, beyond = found, False
            if agreed == len(lists):
                yield place
                beyond, agreed = True, 0
                break


def posting(sort: str, id: str, text: str) -> Posting:
    """A row of a list."""
    return Posting(Place(sort, id), text)


class Answer(NamedTuple):
    """The ids of a page; how many there are, whether that is all, and whether more follow the page."""

    ids: list[str]
    total: int
    exact: bool
    more: bool


def search(read: Read, query: Query, offset: int, limit: int, count: bool, largest: int) -> Answer:
    """A page of what matches. Raises Refused when too much would have to be read."""
    lists = Lists(read, query, largest, READS + offset // FIRST + len(query.words) + len(query.terms))
    hits = both(wanted(lists, query)) if all(query.terms) else iter(())
    try:
        passed = [place.id for place in islice(hits, offset + limit + 1)]
    except Spent:
        raise Refused("search: too much fits a part of it; give a longer word, or a date") from None
    more = len(passed) > offset + limit
    answer = Answer(passed[offset : offset + limit], len(passed), not more, more)
    if not count:
        return answer._replace(total=0)
    return counted(answer, hits, lists) if more else answer


def counted(answer: Answer, hits: Iterator[Place], lists: Lists) -> Answer:
    """The answer with what else there is, as far as so many pages reach."""
    lists.pages = COUNTING
    total = answer.total
    try:
        for _ in hits:
            total += 1
    except Spent:
        return answer._replace(total=total)
    return answer._replace(total=total, exact=True)


def wanted(lists: Lists, query: Query) -> list[Seekable]:
    """The lists that a record must be in."""
    found: list[Seekable] = []
    for group in query.terms:
        of_group = [Listed(lists, f"={term}") for term in group]
        found.append(of_group[0] if len(of_group) == 1 else Either(of_group))
    for word in query.words:
        found += [Listed(lists, key, word) for key in pieces(word)]
    return found or [Listed(lists, ALL)]


def pieces(word: str) -> list[str]:
    """The postings that a word is looked up by, spread over it. One that is too short for any is looked
    for in every record's texts: it is likely to be in many."""
    found = grams(word)
    if len(found) > PIECES:
        found = [found[round(at * (len(found) - 1) / (PIECES - 1))] for at in range(PIECES)]
    return [f"~{gram}" for gram in found] or [ALL]


def hits(answer: Answer, records: Mapping[str, Record], query: Query) -> Hits:
    """The answer with its records; one that is gone, or that a posting too many has led to, is left out,
    and not counted."""
    there = (records[id] for id in answer.ids if id in records)
    items = tuple(record for record in there if query.matches(record.sought()))
    total = max(0, answer.total - (len(answer.ids) - len(items)))
    return Hits(items=items, total=total, exact=answer.exact, more=answer.more)
