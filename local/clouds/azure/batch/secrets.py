"""What a pool was made with and the service shows to nobody."""

from typing import Any

SECRET = ("password", "accountKey", "sasKey")


def without(value: Any) -> Any:
    """A document without its secrets, at any depth."""
    if isinstance(value, dict):
        return {name: without(each) for name, each in value.items() if name not in SECRET}
    return [without(each) for each in value] if isinstance(value, list) else value
