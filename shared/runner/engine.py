"""How an engine is started: the command, its environment, and the script around it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from shared.runner.boot import Places
from shared.runner.console import Console
from shared.runner.errors import StepFailed
from shared.runner.pipeline import local_path, main_program
from shared.runner.process import Child, output
from shared.runner.provision import docker_works, engine_ready
from shared.runner.spec import Spec
from shared.runner.staging import PARAMS, POST_RUN, PRE_RUN, SCM

DEFAULT_IMAGE = "nextflow/nextflow:25.04.6"
PULL_WITHIN = 900.0
SOCKET = "/var/run/docker.sock"
ENGINE = "HEADNODE_ENGINE"
"""In the spec's environment: `host` keeps Nextflow out of a container."""
WORK = "HEADNODE_WORK"
"""In the spec's environment: `direct` lets Nextflow itself work in the run's work directory, as it must
where tasks run on other machines than this one."""
WITH_TOWER = "HEADNODE_WITH_TOWER"
"""In the spec's environment: `0` keeps Nextflow from reporting by itself."""
NOT_FROM_PARAMS = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|PS\d|(LD|BASH|NXF|TOWER|AWS|AZURE|HEADNODE|GIT|PYTHON)_?.*"
)


@dataclass(frozen=True)
class Launch:
    """A program to start. `container` is the name of the container it runs in, if it does."""

    argv: list[str]
    environment: dict[str, str]
    container: str = ""


def launch(
    spec: Spec, places: Places, pipeline: str, work: str, secrets: Path | None, say: Callable[[str], None]
) -> Launch:
    """Writes the launch script and gives the command. Blocks while a container image is pulled. Raises
    StepFailed when there is nothing to run with."""
    run_dir = places.run(spec.run)
    own = own_environment(spec, run_dir, work, secrets)
    if spec.engine == "script":
        return on_host(
            spec, run_dir, script_command(spec, pipeline), {**own, **params_environment(spec, own)}
        )
    if spec.engine != "nextflow":
        raise StepFailed(f"engine {spec.engine!r} is not known to this runner")
    command = nextflow_command(spec, pipeline, work)
    engine_ready(places.base / "bin", say)
    image = pulled(spec.container or DEFAULT_IMAGE, say) if wants_container(spec) else ""
    if image:
        mounts = [places.base, run_dir, secrets and secrets.parent, local_path(pipeline), local_path(work)]
        return in_container(spec, run_dir, command, own, image, [each for each in mounts if each])
    if shutil.which("nextflow", path=own.get("PATH", os.environ.get("PATH"))) is None:
        raise StepFailed(
            "Nextflow cannot be found on this machine: install docker (the image is then pulled), or put "
            "nextflow and Java 17 or newer on PATH"
        )
    return on_host(spec, run_dir, command, own)


def work_place(spec: Spec, places: Places) -> str:
    """Where Nextflow works: a directory here, or the run's work directory itself."""
    if spec.environment.get(WORK) == "direct":
        return spec.work_dir
    work = local_path(spec.work_dir) or places.work
    work.mkdir(parents=True, exist_ok=True)
    return str(work)


def script_command(spec: Spec, pipeline: str) -> list[str]:
    """The script engine's command."""
    return [str(main_program(spec, Path(pipeline))), *spec.args]


def nextflow_command(spec: Spec, pipeline: str, work: str) -> list[str]:
    """Nextflow's command line. What the user's own arguments say is not said twice."""
    words = [
        "nextflow",
        "-log",
        f"nf-{spec.run}.log",
        "run",
        pipeline,
        "-name",
        spec.name or f"run-{spec.run}",
    ]
    if spec.revision and local_path(pipeline) is None:
        words += ["-r", spec.revision]
    if spec.main and "-main-script" not in spec.args:
        words += ["-main-script", spec.main]
    for name in sorted(spec.files):
        if name.endswith(".config") and name not in spec.args:
            words += ["-c", name]
    if "-params-file" not in spec.args:
        words += ["-params-file", f"nf-{spec.run}-{PARAMS}"]
    words += ["-with-timeline", f"timeline-{spec.run}.html", "-with-report", f"nf-{spec.run}-report.html"]
    words += ["-work-dir", work]
    if spec.restores:
        words += ["-resume", spec.session]
    if with_tower(spec) and "-with-tower" not in spec.args:
        words += ["-with-tower", spec.api]
    return [*words, *spec.args]


def with_tower(spec: Spec) -> bool:
    """Whether Nextflow reports its tasks to the control plane."""
    return bool(spec.api) and spec.environment.get(WITH_TOWER, "1") != "0"


def own_environment(spec: Spec, run_dir: Path, work: str, secrets: Path | None) -> dict[str, str]:
    """The variables that a run gets besides the machine's own."""
    own = {
        **spec.environment,
        "NXF_UUID": spec.session,
        "NXF_WORK": work,
        "NXF_OUT_FILE": f"nf-{spec.run}.txt",
        "NXF_LOG_FILE": f"nf-{spec.run}.log",
        "NXF_TML_FILE": f"timeline-{spec.run}.html",
        "NXF_EXIT_FILE": f"nf-{spec.run}.exit",
        "NXF_ANSI_LOG": "false",
        "NXF_DISABLE_CHECK_LATEST": "true",
        # A resumed run keeps its name and session, which Nextflow's own history would refuse.
        "NXF_IGNORE_RESUME_HISTORY": "true",
        "HEADNODE_RUN": spec.run,
        "HEADNODE_WORK_DIR": spec.work_dir,
        "HEADNODE_PARAMS": str(run_dir / f"nf-{spec.run}-{PARAMS}"),
    }
    if not spec.session:
        del own["NXF_UUID"]
    if secrets:
        own["NXF_SECRETS_FILE"] = str(secrets)
        if spec.git and spec.engine == "nextflow":
            own["NXF_SCM_FILE"] = str(secrets.with_name(SCM))
    if with_tower(spec):
        own.update(TOWER_ACCESS_TOKEN=spec.token, TOWER_WORKFLOW_ID=spec.run, TOWER_API_ENDPOINT=spec.api)
        own["TOWER_ALLOW_NEXTFLOW_LOGS"] = "true"
        own["TOWER_REPORTS_FILE"] = f"nf-{spec.run}-reports.tsv"
        if spec.workspace is not None:
            own["TOWER_WORKSPACE_ID"] = str(spec.workspace)
    return own


def params_environment(spec: Spec, own: dict[str, str]) -> dict[str, str]:
    """A script's parameters as variables in capitals; none that would change how programs are run."""
    found = {}
    for name, value in spec.params.items():
        variable = name.upper()
        usable = re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable) and not NOT_FROM_PARAMS.fullmatch(variable)
        if usable and variable not in own and isinstance(value, (str, int, float)):
            found[variable] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def wants_container(spec: Spec) -> bool:
    """Whether the engine runs in a container: where docker works, unless the platform wants the host's
    own engine and the user names no image."""
    on_host = spec.environment.get(ENGINE) == "host" and not spec.container
    return not on_host and docker_works()


def pulled(image: str, say: Callable[[str], None]) -> str:
    """The image, once it is here; "" when it cannot be had but the machine has a Nextflow of its own."""
    for _ in range(3):
        try:
            output(["docker", "image", "inspect", image], 30.0)
            return image
        except StepFailed:
            say(f"pulling {image}")
        try:
            output(["docker", "pull", "--quiet", image], PULL_WITHIN)
        except StepFailed as error:
            say(str(error))
    if shutil.which("nextflow"):
        return ""
    raise StepFailed(f"image {image} cannot be pulled, and the machine has no Nextflow of its own")


def write_script(spec: Spec, run_dir: Path, command: list[str]) -> Path:
    """The script that is really started: the pre-run script in the same shell, then the engine in its
    place, so that signals and the exit status are the engine's own."""
    path = run_dir / f"nf-{spec.run}-launch.sh"
    pre_run = (
        f". ./{PRE_RUN} || {{ status=$?; "
        'echo "headnode: the pre-run script ended with status $status"; exit "$status"; }\n'
    )
    lines = [f"cd {shlex.quote(str(run_dir))} || exit 1\n", pre_run if spec.pre_run.strip() else ""]
    path.write_text("".join([*lines, "exec " + " ".join(map(shlex.quote, command)), "\n"]))
    return path


def shell() -> str:
    """The shell that users' scripts are written for, where it is there."""
    return "bash" if shutil.which("bash") else "sh"


def post_run(
    spec: Spec, own: dict[str, str], run_dir: Path, status: int, console: Console, until: float
) -> None:
    """The post-run script, which knows how the engine ended. It is stopped at `until` (epoch seconds), but
    gets 10 s and never more than an hour. Its failure is only noted."""
    if not spec.post_run.strip():
        return
    environment = {**os.environ, **own, "NXF_EXIT_STATUS": str(status)}
    script = Child([shell(), POST_RUN], environment, run_dir, console)
    ended = script.wait(max(10.0, min(3600.0, until - time.time())))
    if ended != 0:
        script.stop(1.0)
        console.say(f"the post-run script ended with status {ended if ended is not None else 'none'}")


def on_host(spec: Spec, run_dir: Path, command: list[str], own: dict[str, str]) -> Launch:
    """The engine as a program of the machine."""
    script = write_script(spec, run_dir, command)
    return Launch([shell(), str(script)], {**os.environ, **own})


def in_container(
    spec: Spec, run_dir: Path, command: list[str], own: dict[str, str], image: str, mounts: list[Path]
) -> Launch:
    """The engine in a container that sees the same paths, network and docker as the machine. Values of
    variables are taken from docker's own environment: its arguments are visible to everybody."""
    script = write_script(spec, run_dir, command)
    name = f"headnode-{spec.run}-{spec.attempt}"
    words = ["docker", "run", "--rm", "--name", name, "--network", "host", "--workdir", str(run_dir)]
    for path in sorted({*map(str, mounts), SOCKET}):
        words += ["--volume", f"{path}:{path}"]
    for variable in sorted(own):
        words += ["--env", variable]
    return Launch([*words, "--entrypoint", "bash", image, str(script)], {**os.environ, **own}, name)
