"""What is uploaded to Azure: one archive, which holds all functions, and the files of its deployment.

The same archive goes to every Function App: which functions one of them runs is said by its settings.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra import dependencies
from infra.sources import NOT_COMPILED, ROOT, archived, interpreter, ours, version_note

FOLDER = ROOT / "infra" / "azure"
NAME = "functions"
RUNTIME, ARCHITECTURE = "3.12", "x86_64"
"""What Flex Consumption is told to run, and the only architecture that it has."""
SITE = ".python_packages/lib/site-packages"
"""Where the Python worker looks for libraries below an app's directory."""
PLACE = "/home/site/wwwroot"
"""Where the host unpacks an app."""

NOT_IN_FUNCTIONS = (
    "shared/logs/cloudwatch.py",
    "shared/logs/file.py",
    "shared/logs/s3.py",
    "shared/providers/aws",
    "shared/providers/local",
    "shared/queues/sq",
    "shared/stores/dynamo",
    "shared/stores/sqlite",  # the store, and its search beside it
    "shared/vaults/file.py",
    "shared/vaults/kms.py",
)
"""The other hosts' parts. The runner stays whole: it is one program for every cloud's machines, and no
function imports it."""

NEXT = """\
# A token to begin with: it stays here, only its hash is deployed.
token=$(python3 -c 'import base64, secrets; print(base64.b64encode(("{{\\"tid\\":1}}." + secrets.token_hex(32)).encode()).decode())')
HEADNODE_FIRST_TOKEN_HASH=$(printf %s "$token" | sha256sum | cut -d' ' -f1) \\
  az deployment sub create --name headnode --location westeurope --parameters {out}/main.bicepparam
group=$(az deployment sub show --name headnode --query properties.outputs.resourceGroup.value --output tsv)
for app in $(az deployment sub show --name headnode --query 'properties.outputs.apps.value[]' --output tsv); do
  az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src {out}/functions.zip
done
az deployment sub show --name headnode --query properties.outputs
echo "HEADNODE_TOKEN=$token"
"""  # noqa: E501 (lines of a shell)


def azure(out: Path) -> list[Path]:
    """Builds `functions.zip` into `out`, and puts the Bicep files with the roles beside it. The same
    source and lock give the same bytes. Returns the archive, then `main.bicep`.

    Downloads the locked dependencies; compiles for the runtime where its Python is installed here.
    Raises HeadnodeError when pip fails."""
    with tempfile.TemporaryDirectory() as temporary:
        site = Path(temporary)
        dependencies.install(site, RUNTIME, ARCHITECTURE, dependencies.AZURE)
        archive = build(out, site, interpreter(RUNTIME))
    return [archive, templates(out)]


def build(out: Path, site: Path, python: str | None) -> Path:
    """The archive, with dependencies from `site`, compiled by `python` unless it is None."""
    return archived(out, {NAME: dict(contents(site))}, python, PLACE)[0]


def contents(site: Path) -> Iterator[tuple[str, Path | bytes]]:
    """What the archive holds before compilation: entry name and source."""
    for name in ("host.json", "function_app.py"):
        yield name, ROOT / name
    yield from ours("functions")
    yield from ours("shared", NOT_IN_FUNCTIONS)
    for distribution in dependencies.needed(site, dependencies.FUNCTIONS):
        for name, path in dependencies.files(distribution):
            yield f"{SITE}/{name}", path
    name, note = version_note()
    yield f"{SITE}/{name}", note


def templates(out: Path) -> Path:
    """Copies what `az deployment` reads into `out`; the path of `main.bicep` there."""
    for source in (*sorted(FOLDER.glob("*.bicep*")), *sorted(FOLDER.glob("*/*.bicep")), *roles()):
        target = out / source.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return out / "main.bicep"


def roles() -> list[Path]:
    """The files of the custom roles, one for each step."""
    return sorted((FOLDER / "roles").glob("*.json"))


def next_commands(out: Path) -> str:
    """The shell lines that deploy what `azure` built, for people to read before they run them."""
    with zipfile.ZipFile(out / f"{NAME}.zip") as archive:
        compiled = any(name.endswith(".pyc") for name in archive.namelist())
    return ("" if compiled else NOT_COMPILED.format(version=RUNTIME)) + NEXT.format(out=out)
