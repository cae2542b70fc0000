"""The control plane in Azure Functions: the indexed app on Azurite and the emulated Key Vault. A whole life
on real machines leaves the same records as on the one-machine host."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from local.serve import Host
from tests.scenarios.test_lambdas import KEYS, PACE, SCRIPT, TOKEN, Client, cloud, lines, patiently  # noqa: F401


@pytest.fixture
def subscription(tmp_path, monkeypatch) -> Iterator[EmulatedAzure]:
    """An emulated Azure with machines, in whose time they live, a storage account, and a pipeline that
    machines can read."""
    if shutil.which("bwrap") is None:
        pytest.skip("machines need bubblewrap")
    pipeline = tmp_path / "pipeline"
    pipeline.mkdir()
    (pipeline / "main.sh").write_text(SCRIPT)
    (pipeline / "main.sh").chmod(0o755)
    with EmulatedAzure(directory=tmp_path / "cloud") as found:
        found.account("functionsdata", group="data", location="westeurope", containers=["work"])
        found.state.vaults.create("headnode", "sealing")
        found.room.share = [pipeline]
        yield found
        assert not found.crashes, found.crashes[0]


def keys_of(known: Mapping[str, str]) -> dict[str, str]:
    """The operator's app, as a user stores it."""
    return {
        "discriminator": "azure-cloud",
        "tenantId": known["AZURE_TENANT_ID"],
        "clientId": known["AZURE_CLIENT_ID"],
        "clientSecret": known["AZURE_CLIENT_SECRET"],
        "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
        "storageName": "functionsdata",
    }


AZURE_CONFIG = {
    "discriminator": "azure-cloud",
    "region": "westeurope",
    "workDir": "az://work/runs",
    "storageAccount": "functionsdata",
    "storageResourceGroup": "data",
}


ROLES = Path(__file__).parents[2] / "infra" / "azure" / "roles"
SEALING = {"dataActions": [f"Microsoft.KeyVault/vaults/keys/{verb}/action" for verb in ("wrap", "unwrap")]}


def roles_of(step: str) -> list[dict[str, Any]]:
    """What a function may do in the subscription. The API, which answers at any time, is one identity with
    it here."""
    files = [json.loads((ROLES / f"{holder}.json").read_text()) for holder in {step, "api"}]
    return [SEALING, *(block for each in files for block in each["properties"]["permissions"])]


def without_tokens(records: Any) -> Any:
    """Records without what Azure, and the order's token at the end of a machine's name, make up anew in
    each life."""
    return json.loads(re.sub(r"(headnode-\w{16}-\d+|dcr)-[0-9a-f]{8,32}", r"\1", json.dumps(records)))


def test_a_life_on_azure_is_the_same_as_on_one_machine(
    functions: Any, subscription: Any, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level("INFO")
    keys = keys_of(subscription.environment())
    host = functions(**subscription.function_environment())
    host.before = lambda name: subscription.enforce("function", *roles_of(name.split("_")[0]))
    deployed = Client(host.url, host.wait).life(tmp_path / "pipeline", keys, AZURE_CONFIG)
    assert host.errors == []
    assert subscription.judge.refusals == []
    assert keys["clientSecret"] not in caplog.text
    host.stop()
    subscription.judge.clear()
    with Host(tmp_path / "data", token=TOKEN, settings=PACE, environ={}) as here:
        local = Client(here.url, patiently).life(tmp_path / "pipeline", keys, AZURE_CONFIG)
    assert lines(without_tokens(deployed)) == lines(without_tokens(local))
    assert (deployed["good"]["status"], deployed["bad"]["status"]) == ("SUCCEEDED", "FAILED")
    assert [line for line in deployed["good log"] if not line.startswith("headnode: ")] == ["one", "two"]
    assert deployed["environment"]["receipt"]["left"] == []


@pytest.mark.usefixtures("cloud")
def test_a_life_is_the_same_as_on_one_machine(functions: Any, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level("INFO")
    host = functions()
    deployed = Client(host.url, host.wait).life(tmp_path / "pipeline")
    assert host.errors == []
    assert KEYS["secretKey"] not in caplog.text
    assert TOKEN not in caplog.text
    host.stop()
    with Host(tmp_path / "data", token=TOKEN, settings=PACE, environ={}) as here:
        local = Client(here.url, patiently).life(tmp_path / "pipeline")
    assert lines(deployed) == lines(local)
    assert (deployed["good"]["status"], deployed["bad"]["status"]) == ("SUCCEEDED", "FAILED")
    assert deployed["environment"]["receipt"]["left"] == []
    assert deployed["parked"]["parked"] == []
