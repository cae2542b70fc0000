"""What an emulated cloud gives back, or that it gives nothing back."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Answer":
        """A plain JSON document."""
        return cls(status, json.dumps(value).encode(), [("Content-Type", "application/json")])


class Dropped(ConnectionError):
    """Cut the connection: the client gets no answer at all."""
