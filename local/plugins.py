"""Nextflow's own plugins, built here from a checkout of its source: what its Maven artifacts leave out.

    python -m local.plugins CHECKOUT [--into DIRECTORY] [NAME ...]

The checkout is of the release that `local.nextflow` fetches, or of one near to it. Its Groovy is compiled
with the engine's own compiler and against its classes; libraries are what each plugin's build.gradle names,
brought by Maven. Each plugin becomes a folder as Nextflow installs it: NAME-VERSION with `classes` and `lib`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.nextflow import PLUGINS, Engine, default_plugins, resolve

_NAMES = ("nf-tower", "nf-azure", "nf-amazon", "nf-cloudcache")
_LIBRARY = re.compile(
    r"""^\s*api\b[ (]*['"]([\w.-]+):([\w.-]+):([\w.-]+)['"][ )]*(\{[^}]*\})?""", re.MULTILINE
)
_WITHOUT = re.compile(r"""exclude\s+group:\s*['"]([\w.-]+)['"]\s*,\s*module:\s*['"]([\w.-]+)['"]""")
_CONSTRAINTS = re.compile(r"\bconstraints\s*\{[^}]*\}")


class BuildError(RuntimeError):
    """A plugin cannot be built; the text is one line, or what a compiler said."""


@dataclass(frozen=True)
class Library:
    """A Maven artifact, and which of those it asks for stay out."""

    group: str
    name: str
    version: str
    without: tuple[tuple[str, str], ...] = ()


def build(checkout: Path, into: Path, names: Sequence[str], engine: Engine) -> list[Path]:
    """The folders of these plugins. Blocks for a minute or so; what was built before is made anew, and a
    folder is there whole or not at all. Raises BuildError."""
    if engine.kind != "maven":
        raise BuildError(f"plugins are built against Nextflow's Maven artifacts; here it is: {engine.note}")
    into.mkdir(parents=True, exist_ok=True)
    classes = Path(engine.command[0]).parent / "lib"
    return [_plugin(checkout / "plugins" / name, into, classes) for name in names]


def _plugin(source: Path, into: Path, engine: Path) -> Path:
    try:
        manifest = (source / "src/resources/META-INF/MANIFEST.MF").read_text()
        libraries = wanted((source / "build.gradle").read_text())
    except OSError as error:
        raise BuildError(f"{source} is no plugin's source: {error.strerror}") from error
    version = re.search(r"^Plugin-Version:\s*(\S+)", manifest, re.MULTILINE)
    if version is None:
        raise BuildError(f"{source} has a manifest without a Plugin-Version")
    final = into / f"{source.name}-{version[1]}"
    with tempfile.TemporaryDirectory(prefix="building-", dir=into) as scratch:
        place = Path(scratch)
        (place / "pom.xml").write_text(pom(libraries))
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"]
        _run(["mvn", "-q", "-B", "-f", "pom.xml", *goal], place)
        (place / "lib").mkdir(exist_ok=True)
        _compile(source / "src/main", place, engine)
        shutil.copytree(source / "src/resources", place / "classes", dirs_exist_ok=True)
        (place / "pom.xml").unlink()
        place.chmod(0o755)
        shutil.rmtree(final, ignore_errors=True)
        place.rename(final)
        place.mkdir()  # what the scratch directory's end removes
    return final


def wanted(gradle: str) -> list[Library]:
    """The libraries that a plugin brings along, read from its build.gradle."""
    return [
        Library(group, name, version, tuple(_WITHOUT.findall(closure)))
        for group, name, version, closure in _LIBRARY.findall(_CONSTRAINTS.sub("", gradle))
    ]


def pom(libraries: Sequence[Library]) -> str:
    """The project that has just these libraries. Logging is the engine's own."""
    rows = []
    for each in libraries:
        without = "".join(
            f"<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>"
            for group, name in {*each.without, ("org.slf4j", "slf4j-api")}
        )
        rows.append(
            f"<dependency><groupId>{each.group}</groupId><artifactId>{each.name}</artifactId>"
            f"<version>{each.version}</version><exclusions>{without}</exclusions></dependency>"
        )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>headnode</groupId><artifactId>plugin</artifactId>"
        f"<version>1</version><dependencies>{''.join(rows)}</dependencies></project>\n"
    )


def _compile(source: Path, place: Path, engine: Path) -> None:
    """Java and Groovy together, as Gradle does it."""
    files = [str(path) for path in sorted(source.rglob("*")) if path.suffix in (".groovy", ".java")]
    classes = os.pathsep.join(
        map(str, [*sorted(engine.glob("*.jar")), *sorted((place / "lib").glob("*.jar"))])
    )
    (place / "classes").mkdir()
    compiler = ["java", "-cp", classes, "org.codehaus.groovy.tools.FileSystemCompiler", "-j", "-Fproc:none"]
    _run([*compiler, "-d", "classes", "-cp", classes, *files], place)


def _run(argv: Sequence[str], cwd: Path) -> None:
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise BuildError(f"{argv[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """The command line; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m local.plugins", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("checkout", type=Path, help="a checkout of Nextflow's source")
    parser.add_argument("names", nargs="*", metavar="NAME", default=[], help=f"default: {' '.join(_NAMES)}")
    parser.add_argument("--into", type=Path, help=f"default: {PLUGINS}, or the cache of the engine")
    asked = parser.parse_intermixed_args(arguments)
    try:
        into = asked.into or default_plugins(environ)
        for made in build(asked.checkout, into.absolute(), asked.names or _NAMES, resolve(environ=environ)):
            print(made)
    except BuildError as error:
        print(f"plugins: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
