"""The archives of the functions: what is in them, how big they are, and that they start alone."""

import base64
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import dependencies, package, sources
from infra.archive import write_zip
from shared.errors import HeadnodeError, Invalid
from tests.archives import SITE
from tests.packaging.conftest import alone

pytestmark = pytest.mark.xdist_group("archives")

LARGEST = 25_000_000
VARIABLES = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "HEADNODE_INSTALLATION": "packaging",
    "HEADNODE_TABLE": "table",
    "HEADNODE_KMS_KEY": "arn:aws:kms:eu-west-1:123456789012:key/none",
    **{
        f"HEADNODE_QUEUE_{step}": "http://127.0.0.1:9/1/q"
        for step in ("CREATE", "LAUNCH", "LOGS", "REAP", "DISPOSE")
    },
}


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_an_archive_holds_its_function_and_no_other(archives: dict[str, Path], function: str) -> None:
    path = archives[function]
    names = zipfile.ZipFile(path).namelist()
    assert path.stat().st_size < LARGEST
    others = {f"lambdas/{each}.py" for each in package.FUNCTIONS} - {f"lambdas/{function}.py"}
    assert f"lambdas/{function}.py" in names
    assert not others & set(names)
    not_for_aws = ("azure", "keyvault", "sqlite", "blob", "storage", "table")
    ours = [name for name in names if name.startswith("shared/") and not name.startswith("shared/runner/")]
    endpoints = "shared/azure_endpoints.py"  # wiring reads it for all hosts
    ours = [name for name in ours if not name.startswith("shared/providers/aws/")]
    foreign = [name for name in ours if any(each in name.rpartition("/")[2] for each in not_for_aws)]
    assert not [name for name in foreign if name != endpoints and "azure_endpoints." not in name]
    assert not [name for name in names if name.startswith(("azure", "shared/providers/azure"))]
    assert not [name for name in names if name.startswith(("local/", "functions/", "moto/", "tests/"))]
    is_api = function == "api"
    for part in (
        "fastapi/__init__.py",
        "mangum/__init__.py",
        "shared/api/app.py",
        "shared/runner/archive.py",
    ):
        assert (part in names) == is_api, part


def test_only_the_services_that_are_used_are_described(archives: dict[str, Path]) -> None:
    names = zipfile.ZipFile(archives["launch"]).namelist()
    kept = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert kept == set(dependencies.SERVICES)


def test_every_source_of_ours_is_there_compiled(archives: dict[str, Path]) -> None:
    names = set(zipfile.ZipFile(archives["reap"]).namelist())
    sources = [
        Path(name) for name in names if name.startswith(("shared/", "lambdas/")) and name.endswith(".py")
    ]
    cached = f"{sys.implementation.cache_tag}.pyc"
    assert sources
    assert not [path for path in sources if f"{path.parent}/__pycache__/{path.stem}.{cached}" not in names]


def test_the_same_source_gives_the_same_bytes(tmp_path: Path, archives: dict[str, Path]) -> None:
    again = package.build(tmp_path, SITE, sys.executable, functions=("logs",))
    first, second = (zipfile.ZipFile(path) for path in (archives["logs"], again[0]))
    assert first.namelist() == second.namelist()
    assert [name for name in first.namelist() if first.read(name) != second.read(name)] == []
    assert again[0].read_bytes() == archives["logs"].read_bytes()


def test_entries_have_no_time_and_no_owner(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"b": b"2", "a": b"1"})
    entries = zipfile.ZipFile(path).infolist()
    assert [(each.filename, each.date_time, each.external_attr >> 16) for each in entries] == [
        ("a", (1980, 1, 1, 0, 0, 0), 0o644),
        ("b", (1980, 1, 1, 0, 0, 0), 0o644),
    ]


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_a_function_starts_from_its_archive_alone(unpacked: dict[str, Path], function: str) -> None:
    code = f"""
import sys
sys.modules["azure"] = None  # importing anything of it fails
from lambdas import {function}
assert callable({function}.handler)
loaded = set(sys.modules)
print("fastapi" in loaded, "aws_xray_sdk" in loaded, [each for each in loaded if "sqlite" in each])
"""
    ended = alone(unpacked[function], code, **VARIABLES)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"{function == 'api'} False []"


def test_the_api_knows_its_version_and_makes_the_runner(unpacked: dict[str, Path]) -> None:
    code = """
from shared.api.service import program_version
from shared.runner.archive import zipapp_bytes
print(program_version(), len(zipapp_bytes()) > 10_000)
"""
    ended = alone(unpacked["api"], code)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[0] != "0"
    assert ended.stdout.split()[1] == "True"


def test_the_services_that_stay_can_be_spoken_to(unpacked: dict[str, Path]) -> None:
    code = f"import boto3\nfor name in {dependencies.SERVICES}: boto3.client(name, region_name='eu-west-1')"
    ended = alone(unpacked["launch"], code, **VARIABLES)
    assert ended.returncode == 0, ended.stderr


def test_importing_shared_loads_no_sdk() -> None:
    code = f"""
import sys
sys.path.append({str(SITE)!r})  # msgspec is there, and every SDK
import pkgutil, importlib, shared
for each in pkgutil.walk_packages(shared.__path__, "shared."):
    if not each.name.startswith("shared.api"):
        importlib.import_module(each.name)
sdks = {{"boto3", "botocore", "azure", "fastapi", "cryptography"}}
print(sorted(sdks & {{name.split(".")[0] for name in sys.modules}}))
"""
    ended = alone(package.ROOT, code)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"


def test_a_python_behind_a_shim_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = "{}.{}".format(*sys.version_info)
    shim = tmp_path / f"python{version}"
    shim.write_text(f'#!/bin/sh\n[ "$NEEDED" ] && exec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("NEEDED", "yes")
    monkeypatch.setattr(sources.sys, "executable", "/bin/false")
    found = sources.interpreter(version)
    assert found is not None
    assert Path(found) != shim
    assert sources.interpreter("2.7") is None


def test_what_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "broken.py").write_text("def")
    with pytest.raises(HeadnodeError, match=r"shared/broken\.py does not compile"):
        sources.compile_all(tmp_path, sys.executable, "/var/task")


def test_every_wrong_choice_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        package.aws(tmp_path, "2.7", "mips")
    assert [fault.field for fault in refused.value.faults] == ["python", "architecture"]


def test_the_lock_covers_what_the_functions_need() -> None:
    pinned = {line.split("==")[0] for line in dependencies.AWS.path.read_text().splitlines() if "==" in line}
    wanted = {
        dependencies.canonical(each.metadata["Name"]) for each in dependencies.needed(SITE, dependencies.API)
    }
    assert wanted <= pinned
    assert "azure" not in dependencies.AWS.path.read_text()


def test_the_commands_that_follow_keep_the_token_here(archives: dict[str, Path]) -> None:
    out = archives["reap"].parent
    said = package.next_commands(out)
    assert f"--template-file {out}/template.yaml" in said
    assert 'FirstTokenHash=$(printf %s "$token" | sha256sum' in said
    assert "sources only" not in said
    line = next(each for each in said.splitlines() if each.startswith("token="))
    made = subprocess.run(
        ["bash", "-c", f"{line}; printf %s $token"], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(rb'\{"tid":1\}\.[0-9a-f]{64}', base64.b64decode(made.stdout))


def test_a_build_without_the_runtimes_python_says_so(tmp_path: Path) -> None:
    package.build(tmp_path, SITE, None, functions=("reap",))
    assert "sources only" in package.next_commands(tmp_path)


@pytest.mark.long
def test_the_locked_wheels_run_on_every_runtime(tmp_path: Path) -> None:
    """Downloads; whatever has no hash in the lock, or no wheel for the runtime, is refused."""
    for version in dependencies.RUNTIMES:
        for architecture in dependencies.ARCHITECTURES:
            site = tmp_path / version / architecture
            dependencies.install(site, version, architecture)
            assert {"msgspec", "pydantic-core"} <= {
                dependencies.canonical(each.metadata["Name"])
                for each in dependencies.needed(site, dependencies.API)
            }
