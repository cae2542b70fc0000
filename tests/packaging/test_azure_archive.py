"""The archive of the Azure Functions: what is in it, how big it is, and that it runs alone."""

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import dependencies, package_azure
from infra.sources import interpreter
from shared.model.message import STEPS
from tests.archives import SITE
from tests.packaging.azure import deployed, of_type, settings

pytestmark = pytest.mark.xdist_group("azure-archive")

LARGEST = 60_000_000
OURS = ("functions/", "shared/")

INDEX = """
import function_app, json, sys
named = {each.get_function_name(): each for each in function_app.app.get_functions()}
print(json.dumps({"names": sorted(named), "loaded": sorted(sys.modules)}))
"""
ASK = """
import asyncio, function_app, json
from azure.functions import HttpRequest
named = {each.get_function_name(): each for each in function_app.app.get_functions()}

class Context:
    invocation_id, function_name, function_directory = "1", "api", "."
    thread_local_storage = trace_context = retry_context = None

async def ask(path):
    url = "https://headnode.azurewebsites.net" + path
    request = HttpRequest("GET", url, headers={"host": "headnode"}, route_params={}, body=b"")
    return await named["api"].get_user_function()(request, Context())

async def both():
    for path in ("/service-info", "/headnode/runner.pyz", "/workflow"):
        answer = await ask(path)
        print(answer.status_code, len(answer.get_body()), answer.get_body()[:300])

asyncio.run(both())
"""


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of what is installed here, for this Python: nothing is downloaded."""
    return package_azure.build(tmp_path_factory.mktemp("azure"), SITE, sys.executable)


@pytest.fixture(scope="session")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the host unpacks it."""
    found = tmp_path_factory.mktemp("wwwroot")
    zipfile.ZipFile(archive).extractall(found)
    return found


def alone(root: Path, code: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Runs code as the Python worker does: it sees the app and its libraries, and nothing else."""
    [app] = [each for each in of_type(deployed(), "Microsoft.Web/sites") if "-api-" in each.name]
    given = {name: value for name, value in settings(app).items() if name.isupper()}
    given["HEADNODE_FIRST_TOKEN_HASH"] = ""  # else the API would ask its table for it
    path = f"{root / package_azure.SITE}:{root}"
    return subprocess.run(
        [python, "-S", "-B", "-c", code],
        cwd=root,
        env={**given, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_archive_is_laid_out_as_the_host_wants_it(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    assert archive.name == "functions.zip"
    assert archive.stat().st_size < LARGEST
    assert {"host.json", "function_app.py", "functions/app.py", "shared/wiring.py"} <= set(names)
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"host.json", "function_app.py", "functions", "shared", ".python_packages", "__pycache__"}
    libraries = f"{package_azure.SITE}/"
    assert all(name.startswith(libraries) for name in names if name.startswith(".python_packages/"))


def test_nothing_of_another_host_is_in_it(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    ours = [name for name in names if name.startswith(OURS) and not name.startswith("shared/runner/")]
    words = ("aws", "lambda", "boto", "dynamo", "sqs", "kms", "s3", "cloudwatch", "sqlite", "local")
    assert not [name for name in ours if any(word in name.lower() for word in words)]
    foreign = ("boto", "moto", "mangum", "aws_", "jmespath", "s3transfer", "tests/", "azure/mgmt", "typer")
    libraries = [name.removeprefix(f"{package_azure.SITE}/") for name in names]
    assert not [name for name in libraries if name.startswith(foreign)]


def test_every_source_of_ours_is_there_compiled(archive: Path) -> None:
    names = set(zipfile.ZipFile(archive).namelist())
    sources = [Path(name) for name in names if name.startswith(OURS) and name.endswith(".py")]
    cached = f"{sys.implementation.cache_tag}.pyc"
    assert len(sources) > 100
    assert not [path for path in sources if f"{path.parent}/__pycache__/{path.stem}.{cached}" not in names]


def test_the_same_source_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = package_azure.build(tmp_path, SITE, sys.executable)
    assert again.read_bytes() == archive.read_bytes()


def imports(source: str) -> Iterator[str]:
    """Every module that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_all_that_is_imported_is_in_it(archive: Path) -> None:
    content = zipfile.ZipFile(archive)
    names = content.namelist()
    sources = [n for n in names if n.startswith(OURS) and n.endswith(".py") and "/runner/" not in n]
    wanted = {module for name in sources for module in imports(content.read(name).decode())}
    wanted = {each for each in wanted if each.partition(".")[0] not in sys.stdlib_module_names}
    places = [
        f"{root}{module.replace('.', '/')}" for module in wanted for root in ("", f"{package_azure.SITE}/")
    ]
    held = {place for place in places if any(n.startswith((f"{place}/", f"{place}.")) for n in names)}
    missing = {
        each for each in wanted if not held & {p for p in places if p.endswith(each.replace(".", "/"))}
    }
    assert "azure.identity" in wanted
    assert missing == MISSING_ON_PURPOSE


MISSING_ON_PURPOSE = {
    "shared.queues.sqlite",
    "shared.queues.sqs",
    "shared.stores.dynamodb",
    "shared.stores.sqlite",
    "shared.vaults.file",
    "shared.vaults.kms",
}
"""What only other hosts import, inside functions that no Function calls."""


def test_it_is_indexed_from_its_archive_alone(unpacked: Path) -> None:
    ended = alone(unpacked, INDEX)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert {"api", *STEPS} <= set(found["names"])
    # What an index loads, every cold start of every function pays.
    heavy = ("fastapi", "azure.identity", "azure.data", "azure.storage", "cryptography", "shared.steps")
    assert not [name for name in found["loaded"] if name.startswith(heavy)]


def test_the_api_answers_from_its_archive_alone(unpacked: Path) -> None:
    ended = alone(unpacked, ASK)
    assert ended.returncode == 0, ended.stderr
    info, runner, refused = ended.stdout.splitlines()
    assert info.startswith("200 ") and '"forgePrefix":"TowerForge"' in info.replace(" ", "")
    assert runner.startswith("200 ") and int(runner.split()[1]) > 10_000
    assert refused.startswith("401 ")


def test_the_lock_covers_what_the_functions_need() -> None:
    text = dependencies.AZURE.path.read_text()
    pinned = {line.split("==")[0] for line in text.splitlines() if "==" in line}
    needed = dependencies.needed(SITE, dependencies.FUNCTIONS)
    assert {dependencies.canonical(each.metadata["Name"]) for each in needed} <= pinned
    assert not {"boto3", "botocore", "mangum"} & pinned
    assert not [name for name in pinned if name.startswith("azure-mgmt")]


def test_the_commands_that_follow_keep_the_token_here(archive: Path) -> None:
    said = package_azure.next_commands(archive.parent)
    assert "sources only" not in said
    assert 'HEADNODE_FIRST_TOKEN_HASH=$(printf %s "$token" | sha256sum' in said
    assert f"--parameters {archive.parent}/main.bicepparam" in said
    assert f"--src {archive}" in said
    outputs = deployed().outputs
    for name in ("resourceGroup", "apps"):
        assert f"outputs.{name}.value" in said and name in outputs
    assert subprocess.run(["bash", "-n", "-c", said], check=False).returncode == 0


def test_a_build_without_the_runtimes_python_says_so(tmp_path: Path) -> None:
    package_azure.build(tmp_path, SITE, None)
    assert f"such as python{package_azure.RUNTIME}" in package_azure.next_commands(tmp_path)


@pytest.mark.long
def test_the_locked_wheels_run_on_the_runtime(tmp_path: Path) -> None:
    """Downloads. With the runtime's own Python on PATH the archive is also indexed and asked there."""
    archive, main = package_azure.azure(tmp_path / "out")
    assert archive.stat().st_size < LARGEST
    assert main.exists()
    root = tmp_path / "wwwroot"
    zipfile.ZipFile(archive).extractall(root)
    binaries = [path.name for path in root.rglob("*.so")]
    assert binaries and all("x86_64-linux-gnu" in name or name.endswith("abi3.so") for name in binaries)
    python = interpreter(package_azure.RUNTIME)
    if python is not None:
        assert alone(root, INDEX, python).returncode == 0
        ended = alone(root, ASK, python)
        assert ended.stdout.startswith("200 "), ended.stderr
