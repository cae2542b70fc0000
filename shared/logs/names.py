"""Names of files below a work directory."""

from shared.errors import Fault, Invalid

LONGEST = 400


def checked(name: str) -> str:
    """The name: bare file names with `/` between. Raises Invalid for one that could lead elsewhere."""
    parts = name.split("/")
    odd = any(part in ("", ".", "..") or "\\" in part or not part.isprintable() for part in parts)
    if odd or len(name) > LONGEST:
        raise Invalid(Fault("fileName", "not the name of a file below the work directory"))
    return name
