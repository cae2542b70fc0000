"""Containers, and blobs of the two kinds that are emulated."""

import itertools
import tempfile
from dataclasses import dataclass, field

SPOOL = 1024 * 1024
"""Bytes of a blob that stay in memory; a larger one is a file without a name."""
BLOCK = "BlockBlob"
APPEND = "AppendBlob"
APPEND_BLOCKS = 50_000
"""Blocks that an append blob takes."""


class Content:
    """Bytes that can be added to. Close it: it may hold a file."""

    def __init__(self, data: bytes = b"") -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115
        self.size = 0
        self.append(data)

    def append(self, data: bytes) -> None:
        """Adds at the end."""
        self._file.seek(0, 2)
        self._file.write(data)
        self.size += len(data)

    def read(self, start: int = 0, count: int = -1) -> bytes:
        """So many bytes from `start`, or all from there."""
        self._file.seek(start)
        return self._file.read(count)

    @property
    def on_disk(self) -> bool:
        """Whether there is a file by now."""
        return self._file.name is not None

    def close(self) -> None:
        """Forgets everything."""
        self._file.close()


@dataclass(frozen=True)
class Block:
    """A committed block's id and place in its blob."""

    id: str
    start: int
    size: int


@dataclass
class Blob:
    """One blob. `headers` are the content's own (content-type, ...) by lower-case name; metadata keep
    their names in lower case."""

    kind: str
    content: Content
    made_at: float
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    appended: int = 0
    etag: str = ""
    changed_at: float = 0.0

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.size


@dataclass
class Container:
    """One container; `staged` are blocks that no list has committed, by blob and id."""

    name: str
    made_at: float
    etag: str
    metadata: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    staged: dict[str, dict[str, Content]] = field(default_factory=dict)

    def put(self, name: str, blob: Blob) -> None:
        """Adds or replaces a blob; blocks that waited for it are gone."""
        self.remove(name)
        self.blobs[name] = blob

    def remove(self, name: str) -> None:
        """Takes out a blob with all its blocks. Idempotent."""
        old = self.blobs.pop(name, None)
        if old:
            old.content.close()
        for block in self.staged.pop(name, {}).values():
            block.close()

    def close(self) -> None:
        """Takes out everything."""
        for name in [*self.blobs, *self.staged]:
            self.remove(name)


class Accounts:
    """What is in the storage accounts; that they exist is ARM's knowledge."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Container]] = {}
        """By the account's name, then by theirs."""
        self.homes: dict[str, str] = {}
        """The accounts' ARM ids by name."""
        self.keys: dict[str, tuple[str, str]] = {}
        """The two keys of accounts that let people in who have one."""
        self.append_blocks = APPEND_BLOCKS
        """Blocks that an append blob takes; tests set fewer."""
        self._versions = itertools.count(1)

    def etag(self) -> str:
        """Another one with every call, in quotation marks as it is sent."""
        return f'"0x8DF{next(self._versions):012X}"'

    def drop(self, account: str) -> None:
        """Forgets one account. Idempotent."""
        self.homes.pop(account, None)
        self.keys.pop(account, None)
        for container in self.containers.pop(account, {}).values():
            container.close()

    def touch(self, blob: Blob, now: float) -> None:
        """Notes that a blob was written."""
        blob.etag, blob.changed_at = self.etag(), now

    def clear(self) -> None:
        """Nothing is in any account."""
        for account in list(self.containers):
            self.drop(account)
        self.append_blocks = APPEND_BLOCKS
