"""az:// paths. Pure."""

import re

from shared.errors import Fault, Invalid
from shared.model.records import Model

CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
"""learn.microsoft.com, "Naming and referencing containers, blobs, and metadata"."""
LONGEST, MOST_PARTS = 1024, 254


class AzPath(Model, frozen=True, kw_only=True):
    """A place in the storage account of the config: a container and what is in it, without slashes at its
    ends."""

    container: str
    path: str = ""

    def __str__(self) -> str:
        return f"az://{self.container}" + (f"/{self.path}" if self.path else "")

    def __truediv__(self, name: str) -> "AzPath":
        return parse(f"{self}/{name}")


def parse(text: str) -> AzPath:
    """Reads az://container/path. Raises Invalid, also for a path with empty or dotted parts, which blobs take
    for a name of its own and tools for another place."""
    if not text.startswith("az://"):
        raise Invalid(Fault("path", f"{text[:200]!r} does not begin with az://"))
    container, _, path = text.removeprefix("az://").partition("/")
    path = path.rstrip("/")
    parts = path.split("/") if path else []
    if not CONTAINER.fullmatch(container):
        raise Invalid(
            Fault(
                "path",
                f"{container[:100]!r} is no container: 3 to 63 small letters, digits and single hyphens",
            )
        )
    if any(each in ("", ".", "..") for each in parts) or re.search(r"[\x00-\x1f\x7f\\?#]", path):
        raise Invalid(Fault("path", "has an empty or dotted part, or a sign that a URL takes for its own"))
    if len(path) > LONGEST or len(parts) > MOST_PARTS:
        raise Invalid(Fault("path", f"is longer than {LONGEST} characters or {MOST_PARTS} parts"))
    return AzPath(container=container, path=path)


def work_dir(text: str) -> AzPath:
    """Reads a work directory, never a container's root: Nextflow cannot work there. Raises Invalid."""
    found = parse(text)
    if not found.path:
        raise Invalid(Fault("workDir", f"needs a directory in its container, such as {found}/work"))
    return found


def unreachable(paths: list[str], work: AzPath) -> list[Fault]:
    """Paths in other containers than the work directory's: a signature that Nextflow makes with an identity
    or a principal is for that container alone, so tasks could not read them."""
    found = (parse(each) for each in paths if each.startswith("az://"))
    return [
        Fault("params", f"{each} is in another container than the work directory ({work.container})")
        for each in found
        if each.container != work.container
    ]
