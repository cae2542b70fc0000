"""Nextflow configs read as settings, and laid over one another. Pure.

Reads what people write in practice: assignments, dotted or in nested blocks, with selectors and comments.
A config is a program, though, and only Nextflow runs it: whatever is no plain assignment is kept as its
own text under `unread`, and a value is its text, never its result.
"""

import re
from collections.abc import Iterator, Sequence

from shared.model.records import Model

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<string>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
    r"""|(?P<open>[({\[])|(?P<close>[)}\]])|(?P<end>[\n;])|(?P<other>[^'"({\[)}\]\n;/]+|.)""",
    re.DOTALL,
)
ASSIGNED = re.compile(r"^([\w.$'\"-]+)\s*=(?!=)\s*(.+)$", re.DOTALL)
SCOPE = re.compile(r"^(?:\w+|'[^']*'|\"[^\"]*\"|(?:withName|withLabel)\s*:\s*\S.*)$", re.DOTALL)
GOES_ON = ("=", "?", ":", ",", "+", "&&", "||", "(", "[")
"""How a line ends that is not the end of its statement."""


class Setting(Model, frozen=True, kw_only=True):
    """One setting: the value that wins, where it is from, and what it replaces, the nearest first."""

    name: str
    value: str
    source: str
    over: tuple[tuple[str, str], ...] = ()
    """(source, value) of the same setting in configs before it."""


class Merged(Model, frozen=True, kw_only=True):
    """Configs laid over one another."""

    settings: tuple[Setting, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    """(source, statement) of what only Nextflow can tell the effect of."""


def merged(configs: Sequence[tuple[str, str]]) -> Merged:
    """(source, text) of configs, each laid over the one before, as Nextflow does with `-c`."""
    known: dict[str, Setting] = {}
    unread: list[tuple[str, str]] = []
    for source, text in configs:
        for name, value in read(text):
            if not name:
                unread.append((source, value))
                continue
            before = known.pop(name, None)
            over = ((before.source, before.value), *before.over) if before else ()
            known[name] = Setting(name=name, value=value, source=source, over=over)
    return Merged(settings=tuple(known[name] for name in sorted(known)), unread=tuple(unread))


def read(text: str) -> Iterator[tuple[str, str]]:
    """(name, value) of each assignment in order, the name with its scopes; ("", text) of anything else.
    Never raises: a text that is no config is one that has nothing but statements."""
    scopes: list[str] = []
    for kind, said in statements(text):
        if kind == "open":
            scopes.append(re.sub(r"\s*:\s*", ":", said))
        elif kind == "close":
            del scopes[-1:]
        elif found := ASSIGNED.match(said):
            yield ".".join((*scopes, found[1])), " ".join(found[2].split())
        else:
            yield "", " ".join(said.split())


def statements(text: str) -> Iterator[tuple[str, str]]:
    """("open", scope), ("close", "") and ("", statement), without comments."""
    said, depth = "", 0
    for token in TOKEN.finditer(text):
        kind, part = token.lastgroup, token[0]
        if kind == "comment":
            continue
        if depth == 0 and part == "{" and SCOPE.match(said.strip()):
            yield "open", said.strip()
            said = ""
        elif depth == 0 and part == "}":
            if said.strip():
                yield "", said.strip()
            yield "close", ""
            said = ""
        elif depth == 0 and kind == "end" and not said.rstrip().endswith(GOES_ON):
            if said.strip():
                yield "", said.strip()
            said = ""
        else:
            depth = max(0, depth + {"open": 1, "close": -1}.get(kind or "", 0))
            said += part
    if said.strip():
        yield "", said.strip()
