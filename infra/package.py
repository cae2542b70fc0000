"""What is uploaded: for each Lambda function one archive with what it needs and nothing else, and the
template that refers to them."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra import dependencies
from infra.archive import write_zip
from shared.errors import Fault, HeadnodeError, Invalid

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "infra" / "aws" / "template.yaml"
FUNCTIONS = ("api", "create", "launch", "logs", "reap", "dispose")
SHARED_BY_SHELLS = ("__init__", "delivery", "events", "telemetry")

NOT_IN_A_LAMBDA = (
    "shared/providers/azure",
    "shared/providers/local",
    "shared/queues/sqlite.py",
    "shared/stores/sqlite.py",
    "shared/vaults/file.py",
)
ONLY_IN_API = ("shared/api", "shared/runner")

NOT_COMPILED = """\
# The archives hold sources only, which each cold start compiles: with the runtime's own Python
# (such as python3.13) on PATH, the next build holds byte code too.
"""
NEXT = """\
# A token to begin with: it stays here, only its hash is deployed.
token=$(python3 -c 'import base64, secrets; print(base64.b64encode(("{{\\"tid\\":1}}." + secrets.token_hex(32)).encode()).decode())')
aws cloudformation package --template-file {out}/template.yaml --s3-bucket BUCKET --output-template-file {out}/packaged.yaml
aws cloudformation deploy --template-file {out}/packaged.yaml --stack-name headnode --s3-bucket BUCKET \\
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \\
  --parameter-overrides FirstTokenHash=$(printf %s "$token" | sha256sum | cut -d' ' -f1)
aws cloudformation describe-stacks --stack-name headnode --query 'Stacks[0].Outputs'
echo "HEADNODE_TOKEN=$token"
"""  # noqa: E501 (lines of a shell)


def aws(out: Path, python_version: str = "3.13", architecture: str = "arm64") -> list[Path]:
    """Builds `<function>.zip` for each function and `template.yaml` into `out`, for one runtime. The
    same source and lock give the same bytes. Returns the archives, then the template.

    Downloads the locked dependencies; compiles for the runtime where its Python is installed here.
    Raises Invalid for a runtime or architecture that there is not, HeadnodeError when pip fails."""
    faults = []
    if python_version not in dependencies.RUNTIMES:
        faults.append(Fault("python", f"{python_version!r} is none of {', '.join(dependencies.RUNTIMES)}"))
    if architecture not in dependencies.ARCHITECTURES:
        faults.append(
            Fault("architecture", f"{architecture!r} is none of {', '.join(dependencies.ARCHITECTURES)}")
        )
    if faults:
        raise Invalid(*faults)
    with tempfile.TemporaryDirectory() as temporary:
        site = Path(temporary)
        dependencies.install(site, python_version, architecture)
        archives = build(out, site, interpreter(python_version))
    template = out / "template.yaml"
    template.write_text(rendered_template(python_version, architecture))
    return [*archives, template]


def build(out: Path, site: Path, python: str | None, functions: Sequence[str] = FUNCTIONS) -> list[Path]:
    """The functions' archives, with dependencies from `site`, compiled by `python` unless it is None:
    a function cannot keep what it compiled, so it would compile everything at each cold start."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        wanted = {function: dict(contents(function, site)) for function in functions}
        for files in wanted.values():
            for name, source in files.items():
                target = tree / name
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        if python is not None:
            compile_all(tree, python)
        return [
            write_zip(out / f"{function}.zip", laid_out(tree, wanted[function])) for function in functions
        ]


def contents(function: str, site: Path) -> Iterator[tuple[str, Path | bytes]]:
    """What a function's archive holds before compilation: entry name and source."""
    for name in (*SHARED_BY_SHELLS, function):
        yield f"lambdas/{name}.py", ROOT / "lambdas" / f"{name}.py"
    left_out = NOT_IN_A_LAMBDA if function == "api" else (*NOT_IN_A_LAMBDA, *ONLY_IN_API)
    for path in sorted((ROOT / "shared").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in name and not name.startswith(left_out):
            yield name, path
    roots = dependencies.API if function == "api" else dependencies.STEP
    for distribution in dependencies.needed(site, roots):
        yield from dependencies.files(distribution)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    note = f"Metadata-Version: 2.1\nName: headnode\nVersion: {version}\n"
    yield f"headnode-{version}.dist-info/METADATA", note.encode()


def laid_out(tree: Path, files: dict[str, Path | bytes]) -> dict[str, Path | bytes]:
    """The files of one archive as they lie in the tree, each source with what was compiled of it."""
    found: dict[str, Path | bytes] = {}
    for name in files:
        path = tree / name
        found[name] = path
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc") if path.suffix == ".py" else ():
            found[compiled.relative_to(tree).as_posix()] = compiled
    return found


def compile_all(tree: Path, python: str) -> None:
    """Byte code that is not checked against its source, which a function never changes. Independent of
    the tree's place. Raises HeadnodeError when one of our own files does not compile."""
    command = [python, "-m", "compileall", "-qq", "-j0", "-s", str(tree), "-p", "/var/task"]
    command += ["--invalidation-mode=unchecked-hash", str(tree)]
    # Some libraries carry files for other Pythons, which then stay sources.
    subprocess.run(command, check=False, env={"PYTHONHASHSEED": "0"})
    for source in (*tree.glob("lambdas/*.py"), *tree.glob("shared/**/*.py")):
        if not any(source.parent.glob(f"__pycache__/{source.stem}.*.pyc")):
            raise HeadnodeError(f"{source.relative_to(tree)} does not compile with {python}")


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


def rendered_template(python_version: str, architecture: str) -> str:
    """The template with each policy file in its place and the defaults of this build."""

    def policy(include: re.Match[str]) -> str:
        document = json.loads((TEMPLATE.parent / include[1]).read_text())
        # On one line: templates have a limit of 51,200 bytes.
        return json.dumps(document)

    text = re.sub(r"\{Fn::Transform: .*Location: (policies/\w+\.json)\}+", policy, TEMPLATE.read_text())
    text = text.replace("Default: python3.13", f"Default: python{python_version}")
    return text.replace("Default: arm64", f"Default: {architecture}")


def next_commands(out: Path) -> str:
    """The shell lines that deploy what `aws` built, for people to read before they run them."""
    with zipfile.ZipFile(out / "reap.zip") as archive:
        compiled = any(name.endswith(".pyc") for name in archive.namelist())
    return ("" if compiled else NOT_COMPILED) + NEXT.format(out=out)
