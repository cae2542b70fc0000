"""What records are found by, and what is looked for. Pure: each store keeps its own index of it, and
`Query.matches` says what all of them must answer.

    terms   whole values that are exactly so: `status:failed`
    texts   short texts that a word may be anywhere in
    sort    when: results come with the highest first

Texts and words are folded alike, so a search has no case, and no control character gets to a store.
"""

import re
import unicodedata

from shared.model.records import Model, Sought

LONGEST_TEXT, LONGEST_TERM = 80, 200
"""Characters of one text, and of one value, that are looked into."""
GRAM = 3
"""Letters of the pieces that a store without text search lists a text by."""
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]+")


def folded(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text as it is compared: cut, in one case and one composition, control characters as blanks."""
    text = text[:longest]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.casefold())
        text = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return _UNPRINTABLE.sub(" ", text.lower()).strip()


def term(field: str, value: str) -> str:
    """A term: records whose field is exactly this value have it."""
    return f"{field}:{folded(value, LONGEST_TERM)}"


def grams(text: str) -> list[str]:
    """The pieces of a text, each once; none of a text that is shorter than one."""
    return list(dict.fromkeys(text[at : at + GRAM] for at in range(len(text) - GRAM + 1)))


class Query(Model, frozen=True, kw_only=True):
    """What is looked for in one scope: records that have one of each group of `terms`, each of the
    `words` in one of their texts, and a sort key from `since` to `upto` (both included; empty: open)."""

    scope: str
    terms: tuple[tuple[str, ...], ...] = ()
    words: tuple[str, ...] = ()
    since: str = ""
    upto: str = ""

    def matches(self, sought: Sought | None) -> bool:
        """Whether a record that is found by this is one."""
        return (
            sought is not None
            and sought.scope == self.scope
            and self.since <= sought.sort
            and not (self.upto and sought.sort > self.upto)
            and all(any(term in sought.terms for term in group) for group in self.terms)
            and all(any(word in text for text in sought.texts) for word in self.words)
        )
