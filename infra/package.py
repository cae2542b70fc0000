"""What is uploaded: for each Lambda function one archive with what it needs and nothing else, and the
template that refers to them."""

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra import dependencies
from infra.sources import NOT_COMPILED, ROOT, archived, interpreter, ours, version_note
from shared.errors import Fault, Invalid

TEMPLATE = ROOT / "infra" / "aws" / "template.yaml"
FUNCTIONS = ("api", "create", "launch", "logs", "reap", "dispose")
SHARED_BY_SHELLS = ("__init__", "delivery", "events", "telemetry")

NOT_IN_A_LAMBDA = (
    "shared/logs/azure",  # and azurebatch.py beside it
    "shared/logs/blob.py",
    "shared/logs/wire.py",
    "shared/nextflow/azure",  # the package, and azurebatch.py beside it
    "shared/providers/azure",
    "shared/providers/local",
    "shared/queues/sqlite.py",
    "shared/queues/storage.py",
    "shared/stores/sqlite",  # the store, and its search beside it
    "shared/stores/storageaccount.py",
    "shared/stores/table",
    "shared/vaults/file.py",
    "shared/vaults/keyvault.py",
)
ONLY_IN_API = ("shared/api", "shared/runner")

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
    """The functions' archives, with dependencies from `site`, compiled by `python` unless it is None."""
    return archived(out, {each: dict(contents(each, site)) for each in functions}, python, "/var/task")


def contents(function: str, site: Path) -> Iterator[tuple[str, Path | bytes]]:
    """What a function's archive holds before compilation: entry name and source."""
    for name in (*SHARED_BY_SHELLS, function):
        yield f"lambdas/{name}.py", ROOT / "lambdas" / f"{name}.py"
    yield from ours("shared", NOT_IN_A_LAMBDA if function == "api" else (*NOT_IN_A_LAMBDA, *ONLY_IN_API))
    roots = dependencies.API if function == "api" else dependencies.STEP
    for distribution in dependencies.needed(site, roots):
        yield from dependencies.files(distribution)
    yield version_note()


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
    return ("" if compiled else NOT_COMPILED.format(version="3.13")) + NEXT.format(out=out)
