"""A Nextflow that really runs on this machine, found or fetched once and kept.

`resolve` tries four ways in this order, and proves each by running a one-task pipeline with it:

    path      `nextflow` is on PATH
    pypi      the launcher that PyPI carries; it downloads the program itself, which a closed network forbids
    maven     the program as Maven artifacts, and a launcher of ours around them
    script    no Nextflow at all: a stand-in that runs the script twin (`main.sh`) of a pipeline that has one

The cache remembers what came of each: a success as long as what it stands on is there, a failure for a day.
HEADNODE_NEXTFLOW forces one way, by its name or by the path of a Nextflow, whatever failed before. To start
anew, delete the cache.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from local import launchers

Kind = Literal["path", "pypi", "maven", "script"]

FORCE = "HEADNODE_NEXTFLOW"
PLUGINS = "HEADNODE_PLUGINS"
# The newest release found complete, dependencies included (November 2026): each later one lacks an artifact.
# Proven on Java 17.
MAVEN_VERSION = "24.10.0"
FAILURE_LASTS = 24 * 3600.0  # seconds

_FETCH_SECONDS, _PROVE_SECONDS, _PLUGIN_SECONDS = 300.0, 120.0, 90.0

_SMOKE = """process ONE {
    output:
    stdout

    script:
    'echo ready'
}

workflow { ONE() }
"""

_POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>headnode</groupId><artifactId>engine</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.nextflow</groupId><artifactId>nextflow</artifactId><version>{version}</version></dependency>
  </dependencies>
</project>
"""


class NextflowUnavailableError(RuntimeError):
    """The way that HEADNODE_NEXTFLOW forces does not lead to a Nextflow; the text says why."""


@dataclass(frozen=True)
class Engine:
    """A program that can be executed as `nextflow`.

    `command` is one executable file, by absolute path. `tower` says whether it has the nf-tower plugin and so
    reports its tasks with `-with-tower`; launchers made here drop that option where it has not. `note` is for
    people. `plugins` are those that were built here and that it carries, as NAME@VERSION.
    """

    kind: Kind
    command: list[str]
    version: str
    tower: bool
    note: str
    plugins: list[str] = field(default_factory=list)


class _DeadEndError(Exception):
    """A way led nowhere; the text is one line for people."""


@dataclass(frozen=True)
class _Site:
    """Where and with what a resolution works: the cache, the environment and the time of day."""

    cache: Path
    environ: Mapping[str, str]
    now: Callable[[], float]

    def which(self, name: str) -> str | None:
        """The absolute path of a program on PATH; links are kept, since they are how venvs and shims work."""
        found = shutil.which(name, path=self.environ.get("PATH", os.defpath))
        return str(Path(found).absolute()) if found else None

    def plugins(self) -> list[Path]:
        """The folders of the plugins that `local.plugins` built."""
        return sorted(default_plugins(self.environ, self.cache).glob("nf-*-[0-9]*"))

    def tool(self, *names: str) -> str:
        """The path of the first of these programs that is on PATH; raises `_DeadEndError` if none is."""
        for name in names:
            if found := self.which(name):
                return found
        raise _DeadEndError(f"no {' or '.join(names)} on PATH")


def default_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Where engines are kept: `headnode/nextflow` in XDG_CACHE_HOME, or in ~/.cache."""
    root = environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "headnode" / "nextflow"


def default_plugins(environ: Mapping[str, str] = os.environ, cache: Path | None = None) -> Path:
    """Where plugins built here (`local.plugins`) are: HEADNODE_PLUGINS, or a folder of the cache."""
    said = environ.get(PLUGINS, "").strip()
    return Path(said).expanduser() if said else (cache or default_cache(environ)) / f"plugins-{MAVEN_VERSION}"


def resolve(
    cache_dir: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    now: Callable[[], float] = time.time,
) -> Engine:
    """The best engine that this machine can have, fetched now if it must be.

    Blocks: not at all once cached, for seconds on a first fetch, for minutes where a download hangs (every
    program that it runs has a time limit). Idempotent; safe to kill, and to call from several processes at
    once: they wait for one another. Raises `NextflowUnavailableError` only for a way that is forced.
    """
    environ = os.environ if environ is None else environ
    site = _Site((cache_dir or default_cache(environ)).absolute(), environ, now)
    forced = environ.get(FORCE, "").strip()
    with _alone(site):
        return _forced(site, forced) if forced else _first(site)


@contextmanager
def _alone(site: _Site) -> Iterator[None]:
    """One resolution at a time in a cache. The kernel unlocks for a killed one; its leavings go here."""
    site.cache.mkdir(parents=True, exist_ok=True)
    with (site.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leaving in site.cache.glob("building-*"):
            shutil.rmtree(leaving, ignore_errors=True)
        yield


def _first(site: _Site) -> Engine:
    reasons: list[str] = []
    for kind in _WAYS:
        try:
            return _remembered(site, kind)
        except _DeadEndError as failure:
            reasons.append(f"{kind}: {failure}")
    return _script(site, reasons)


def _forced(site: _Site, forced: str) -> Engine:
    try:
        if "/" in forced:
            return _proven(site, "path", Path(forced).expanduser().absolute(), {})
        if forced == "script":
            return _script(site, [f"{FORCE}=script"])
        for kind in _WAYS:
            if kind == forced:
                return _remembered(site, kind, trust_failure=False)
        raise _DeadEndError(
            f"no such way; there are {', '.join(_WAYS)} and script, or the path of a Nextflow"
        )
    except _DeadEndError as failure:
        raise NextflowUnavailableError(f"{FORCE}={forced}: {failure}") from None


def _remembered(site: _Site, kind: Kind, *, trust_failure: bool = True) -> Engine:
    """What is on record for a way, as long as it holds; else the way is tried, and put on record."""
    record = _read(site.cache / f"{kind}.json")
    if (engine := _recorded_engine(site, kind, record)) is not None:
        return engine
    if trust_failure and (reason := _recorded_failure(site, kind, record)) is not None:
        raise _DeadEndError(reason)
    try:
        engine = _WAYS[kind](site)
    except _DeadEndError as failure:
        tools = _tools(site, kind)
        _write(site, kind, {"failed": str(failure), "at": site.now(), "tools": tools})
        raise
    _write(site, kind, {"engine": asdict(engine), "base": _base(site, kind)})
    return engine


def _recorded_engine(site: _Site, kind: Kind, record: dict[str, Any]) -> Engine | None:
    try:
        engine = Engine(**record["engine"])
    except (KeyError, TypeError):
        return None
    holds = record.get("base") == _base(site, kind) and os.access(engine.command[0], os.X_OK)
    return engine if holds else None


def _recorded_failure(site: _Site, kind: Kind, record: dict[str, Any]) -> str | None:
    if "failed" not in record or record.get("tools") != _tools(site, kind):
        return None
    age = site.now() - float(record.get("at", 0.0))
    return str(record["failed"]) if 0 <= age < FAILURE_LASTS else None


def _base(site: _Site, kind: Kind) -> str:
    """What an engine stands on: it must be made anew when this changes."""
    if kind == "maven":
        made = "".join(f" {each.name}@{each.stat().st_mtime_ns}" for each in site.plugins())
        launched = zlib.crc32(launchers.java_flags().encode())
        return f"{MAVEN_VERSION} {launched} {site.which('java')}{made}"
    return f"any {site.which('nextflow' if kind == 'path' else 'java')}"


def _tools(site: _Site, kind: Kind) -> str:
    """What a failure may have been due to. Installing one of these is a reason to try again the same day."""
    fetchers = {"path": (), "pypi": ("pip", "pip3"), "maven": ("mvn",)}[kind]
    return f"{_base(site, kind)} {any(site.which(name) for name in fetchers)}"


def _path(site: _Site) -> Engine:
    return _proven(site, "path", Path(site.tool("nextflow")), {})


def _pypi(site: _Site) -> Engine:
    pip, java = site.tool("pip", "pip3"), site.tool("java")

    def fill(build: Path) -> None:
        _fetch(site, [pip, "install", "-q", "--no-input", "--target", "package", "nextflow"], build)
        if not (build / "package/bin/nextflow").is_file():
            raise _DeadEndError("the package holds no launcher")

    def launch(tower: bool) -> str:
        body = f'export JAVA_CMD="${{JAVA_CMD:-{java}}}"\n'
        return launchers.head(tower) + body + 'exec bash "$here/package/bin/nextflow" "$@"\n'

    return _built(site, "pypi", fill, launch)


def _maven(site: _Site) -> Engine:
    mvn, java, plugins = site.tool("mvn"), site.tool("java"), site.plugins()

    def fill(build: Path) -> None:
        (build / "pom.xml").write_text(_POM.format(version=MAVEN_VERSION))
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"]
        _fetch(site, [mvn, "-q", "-B", "-f", "pom.xml", *goal], build)
        if not any(build.glob("lib/nextflow-*.jar")):
            raise _DeadEndError("the artifacts hold no Nextflow")
        for each in plugins:
            shutil.copytree(each, build / "plugins" / each.name)

    def launch(tower: bool) -> str:
        flags = launchers.java_flags()
        # The first compiler tier only: a head process lives by its start-up time, not by its throughput.
        tail = ' \\\n    -XX:TieredStopAtLevel=1 -cp "$here/lib/*" nextflow.cli.Launcher "$@"\n'
        carried = launchers.PLUGINS if plugins else ""
        return launchers.head(tower) + carried + f'exec "${{JAVA_CMD:-{java}}}"{flags}{tail}'

    built = _built(site, "maven", fill, launch)
    return replace(built, plugins=["@".join(each.name.rsplit("-", 1)) for each in plugins])


def _script(site: _Site, reasons: list[str]) -> Engine:
    standin = Path(__file__).with_name("example") / "standin.sh"
    launcher = site.cache / "script" / "nextflow"
    launcher.parent.mkdir(exist_ok=True)
    fresh = launcher.with_name("fresh")
    _executable(fresh, standin.read_text())
    fresh.replace(launcher)
    note = "No Nextflow can be had, so the script twin of a pipeline is run instead. " + "; ".join(reasons)
    return Engine("script", [str(launcher)], "0", tower=False, note=note)


_WAYS: dict[Kind, Callable[[_Site], Engine]] = {"path": _path, "pypi": _pypi, "maven": _maven}


def _built(site: _Site, kind: Kind, fill: Callable[[Path], None], launch: Callable[[bool], str]) -> Engine:
    """Make an engine in a directory of its own, prove it there, and only then give the directory its name."""
    build = Path(tempfile.mkdtemp(prefix=f"building-{kind}-", dir=site.cache))
    try:
        fill(build)
        launcher = build / "nextflow"
        _executable(launcher, launch(True))
        engine = _proven(site, kind, launcher, {"NXF_HOME": str(build / "home")})
        _executable(launcher, launch(engine.tower))
        # PyPI's launcher notes absolute paths in there, which the renaming makes untrue.
        shutil.rmtree(build / "home/tmp", ignore_errors=True)
        final = site.cache / f"{kind}-{engine.version}"
        shutil.rmtree(final, ignore_errors=True)  # what is there is not on record, or stands on nothing
        build.chmod(0o755)  # a machine's sandbox may run as somebody else
        build.rename(final)
    except OSError as error:
        raise _DeadEndError(f"could not be kept: {error.strerror or error}") from error
    finally:
        shutil.rmtree(build, ignore_errors=True)
    return Engine(kind, [str(final / "nextflow")], engine.version, engine.tower, engine.note)


def _proven(site: _Site, kind: Kind, launcher: Path, extra: dict[str, str]) -> Engine:
    """The engine behind a launcher, once it has run a pipeline.

    Whether it can report is found out by asking it to install the plugin, as `-with-tower` would.
    """
    kept = {name: value for name, value in site.environ.items() if not name.startswith("TOWER_")}
    environ = {**kept, "NXF_ANSI_LOG": "false", "NXF_DISABLE_CHECK_LATEST": "true", **extra}
    with tempfile.TemporaryDirectory(prefix="headnode-prove-") as scratch:
        place = Path(scratch)
        (place / "main.nf").write_text(_SMOKE)
        said = _run([str(launcher), "-version"], place, environ, _FETCH_SECONDS, "does not start")
        _run([str(launcher), "run", "main.nf"], place, environ, _PROVE_SECONDS, "runs no pipeline")
        try:
            _run([str(launcher), "plugin", "install", "nf-tower"], place, environ, _PLUGIN_SECONDS, "")
            tower = True
        except _DeadEndError:
            tower = False
    found = re.search(r"version:?\s+v?(\d[\w.\-]*)", said)
    version = found.group(1) if found else "unknown"
    reports = "" if tower else "; without the nf-tower plugin, so it does not report its tasks"
    return Engine(kind, [str(launcher)], version, tower, f"Nextflow {version}, {_SOURCES[kind]}{reports}")


_SOURCES = {"path": "found on this machine", "pypi": "from PyPI", "maven": "from its Maven artifacts"}


def _fetch(site: _Site, argv: list[str], cwd: Path) -> None:
    _run(argv, cwd, dict(site.environ), _FETCH_SECONDS, f"{Path(argv[0]).name} could not fetch it")


def _run(argv: list[str], cwd: Path, environ: dict[str, str], seconds: float, complaint: str) -> str:
    """The output of a program that succeeded in time; the whole process group is ended if it did not."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise _DeadEndError(f"{complaint} ({error.strerror})") from error
    with process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except BaseException as error:  # also Ctrl-C: a child in its own session would not hear of that
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _DeadEndError(f"{complaint} (not done after {seconds:.0f} s)") from error
            raise
    if process.returncode:
        raise _DeadEndError(f"{complaint} ({_gist(said) or f'exit status {process.returncode}'})")
    return said


def _gist(said: str) -> str:
    """The line that says what went wrong, without colours, cut to a length that fits a sentence."""
    lines = [re.sub(r"\x1b(\[[\d;]*[A-Za-z]|\(B)", "", line).strip() for line in said.splitlines()]
    wrong = [line for line in lines if re.search(r"error|cannot|failed", line, re.IGNORECASE)]
    return next(iter(wrong or lines), "")[:200]


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # absent, or cut short by a full disk: as if never tried
    return record if isinstance(record, dict) else {}


def _write(site: _Site, kind: Kind, record: dict[str, Any]) -> None:
    fresh = site.cache / f"{kind}.json.fresh"
    fresh.write_text(json.dumps(record, indent=1))
    fresh.replace(site.cache / f"{kind}.json")
