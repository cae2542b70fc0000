"""Archives that are equal byte for byte when their contents are."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip entry can have."""


def write_zip(path: Path, contents: Mapping[str, Path | bytes]) -> Path:
    """Writes entry name -> contents, sorted, without times or owners, and returns the path. The same
    contents give the same bytes (with the same zlib)."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            data = contents[name]
            archive.writestr(entry, data if isinstance(data, bytes) else data.read_bytes())
    return path
