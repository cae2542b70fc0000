"""What every package is made of: our sources, the libraries beside them, and byte code of both."""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.archive import write_zip
from shared.errors import HeadnodeError

ROOT = Path(__file__).parents[1]
Contents = Mapping[str, Path | bytes]
"""Name in an archive -> what it holds."""

NOT_COMPILED = """\
# The archives hold sources only, which each cold start compiles: with the runtime's own Python
# (such as python{version}) on PATH, the next build holds byte code too.
"""


def ours(folder: str, left_out: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    """The files of one of our folders, but for those whose name begins with one of `left_out`."""
    for path in sorted((ROOT / folder).rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in name and not name.startswith(left_out):
            yield name, path


def version_note() -> tuple[str, bytes]:
    """The file from which the deployed program knows its version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    note = f"Metadata-Version: 2.1\nName: headnode\nVersion: {version}\n"
    return f"headnode-{version}.dist-info/METADATA", note.encode()


def archived(out: Path, wanted: Mapping[str, Contents], python: str | None, place: str) -> list[Path]:
    """Writes each archive into `out`, with what `python` compiled of it unless that is None: a function
    cannot keep what it compiled, so it would compile everything at each cold start. `place` is where the
    archives are unpacked, for tracebacks. The same contents give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        for files in wanted.values():
            for name, source in files.items():
                target = tree / name
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        if python is not None:
            compile_all(tree, python, place)
        return [write_zip(out / f"{name}.zip", laid_out(tree, files)) for name, files in wanted.items()]


def laid_out(tree: Path, files: Contents) -> Contents:
    """The files of one archive as they lie in the tree, each source with what was compiled of it."""
    found: dict[str, Path | bytes] = {}
    for name in files:
        path = tree / name
        found[name] = path
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc") if path.suffix == ".py" else ():
            found[compiled.relative_to(tree).as_posix()] = compiled
    return found


def compile_all(tree: Path, python: str, place: str) -> None:
    """Byte code that is not checked against its source, which a function never changes. Independent of
    the tree's place. Raises HeadnodeError when one of our own files does not compile."""
    # In one process: what else a process has compiled shows in the bytes.
    command = [python, "-m", "compileall", "-qq", "-j1", "-s", str(tree), "-p", place]
    command += ["--invalidation-mode=unchecked-hash", str(tree)]
    # Some libraries carry files for other Pythons, which then stay sources.
    subprocess.run(command, check=False, env={"PYTHONHASHSEED": "0"})
    for source in sorted(mine(tree, ("lambdas", "functions", "shared"))):
        if not any(source.parent.glob(f"__pycache__/{source.stem}.*.pyc")):
            raise HeadnodeError(f"{source.relative_to(tree)} does not compile with {python}")


def mine(tree: Path, folders: Sequence[str]) -> Iterator[Path]:
    """Our own sources in the tree."""
    for folder in folders:
        yield from (tree / folder).rglob("*.py")


def interpreter(version: str) -> str | None:
    """The path of a Python of exactly this minor version on this machine, if there is one."""
    # What is on PATH may be a shim that needs its own environment: the program itself says where it is.
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for candidate in (sys.executable, shutil.which(f"python{version}")):
        if candidate is None:
            continue
        ended = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        found, _, path = ended.stdout.strip().partition(" ")
        if found == version:
            return path
    return None
