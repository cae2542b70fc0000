"""The zipapp that machines download: made from this package's own source. Not part of the zipapp."""

import hashlib
import io
import zipfile
from pathlib import Path

LAUNCH = '''"""Starts the runner."""

import sys

from shared.runner.main import main

sys.exit(main(sys.argv[1:]))
'''
LEFT_OUT = ("archive.py",)
EPOCH = (1980, 1, 1, 0, 0, 0)


def zipapp_bytes() -> bytes:
    """The zipapp. The same source gives the same bytes. Reads the source each time (about 5 ms)."""
    here = Path(__file__).parent
    files = {f"shared/runner/{path.name}": path.read_bytes() for path in here.glob("*.py")}
    for name in LEFT_OUT:
        del files[f"shared/runner/{name}"]
    files["shared/__init__.py"] = b""
    files["__main__.py"] = LAUNCH.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def etag(data: bytes) -> str:
    """The strong entity tag of a zipapp: its SHA-256."""
    return f'"{hashlib.sha256(data).hexdigest()}"'
