"""The commands of the guide to Azure Batch against a real control plane and the emulated Azure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.clouds.azure import EmulatedAzure
from local.demo.places.azurebatch import EXAMPLES
from tests.azure_cloud import LOCATION
from tests.headnode import Served, one_line, serve

ACCOUNTS = ("--batch-account", "labbatch", "--storage-account", "labdata")
DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = str(EXAMPLES / "1-one-pool.yaml")

WRONG = "  nextflowConfig: azure.batch.autoPollMode = true\n"
RIGHT = """  nextflowConfig: |
    azure.storage.tokenDuration = '1h'
    azure.storage.fileShares.refs.mountPath = '/mnt/refs'
"""


@pytest.fixture
def served(azure: EmulatedAzure, tmp_path: Path) -> Iterator[Served]:
    azure.account("labdata", group="lab-data", location=LOCATION, containers=["work"])
    azure.batch_account("labbatch", group="lab-data", location=LOCATION)
    with serve(tmp_path / "data", HEADNODE_TOKEN="t", HEADNODE_AZURE_URL=azure.url) as running:
        yield running


def test_an_example_from_plan_to_receipt(served: Served, azure: EmulatedAzure, tmp_path: Path) -> None:
    azure.account("labdata", group="lab-data", location=LOCATION, keyed=True)
    known = azure.environment()
    own = {name: known[name] for name in known if name.startswith("AZURE_")}
    words = ("credentials", "add", "azure", "--provider", "azure_entra")
    lacking = served.headnode(*words, **own)
    assert lacking.code == 2
    assert "--storage-account, --batch-account" in one_line(lacking)
    own["AZURE_STORAGE_ACCOUNT_KEY"] = azure.storage_key("labdata")
    added = served.headnode(*words, *ACCOUNTS, "--with-storage-key", **own)
    assert added.code == 0, added.err
    shown = served.json("credentials", "list")[0]
    assert (shown["provider"], shown["keys"]["batchName"]) == ("azure_entra", "labbatch")
    assert not [
        each for each in (own["AZURE_STORAGE_ACCOUNT_KEY"], own["AZURE_CLIENT_SECRET"]) if each in str(shown)
    ]

    planned = served.headnode("env", "plan", "-f", EXAMPLE)
    assert planned.code == 0, planned.err
    assert "BatchPool" in planned.out
    (tmp_path / "wrong.yaml").write_text(Path(EXAMPLE).read_text() + WRONG)
    refused = served.headnode("env", "create", "-f", str(tmp_path / "wrong.yaml"))
    assert refused.code != 0
    assert "azure.batch.autoPollMode is no option; did you mean autoPoolMode?" in one_line(refused)
    (tmp_path / "right.yaml").write_text(Path(EXAMPLE).read_text() + RIGHT)
    made = served.headnode("env", "create", "-f", str(tmp_path / "right.yaml"))
    assert made.code == 0, made.err
    (tmp_path / "launch.config").write_text("azure.batch.jobMaxWallClockTime = '7d'\n")
    words = ("launch", "https://example.org/p", "--config", str(tmp_path / "launch.config"), "--show-config")
    said = served.headnode(*words)
    assert said.code == 0, said.err
    lines = {each.split(" ")[0]: " ".join(each.split()) for each in said.out.splitlines()}
    whose = {name: line.split(" // ")[1] for name, line in lines.items()}
    assert whose["azure.storage.tokenDuration"] == "headnode, replaces '1h' (environment)"
    assert whose["azure.batch.jobMaxWallClockTime"] == "launch, replaces '7d' (headnode)"
    assert whose["azure.activeDirectory.tenantId"] == "headnode"
    assert known["AZURE_CLIENT_SECRET"] not in said.out
    assert "such a launch fails" not in said.err
    (tmp_path / "launch.config").write_text("azure.batch.deletePoolsOnCompletion = true\n")
    told = served.headnode(*words).err
    assert "such a launch fails: configText: azure.batch.deletePoolsOnCompletion deletes every pool" in told
    refused = served.headnode(*words[:-1])
    assert refused.code != 0
    assert "launch.configText: azure.batch.deletePoolsOnCompletion deletes every pool" in one_line(refused)
    pools = azure.state.batch.accounts["labbatch"].pools
    assert [pool.body["vmSize"] for pool in pools.values()] == ["standard_e2ds_v5"]
    assert own["AZURE_STORAGE_ACCOUNT_KEY"] in str(
        [pool.body["mountConfiguration"] for pool in pools.values()]
    )
    changed = served.headnode(
        "env", "update", "one-pool", "--set", "forge.vmCount=6", "--set", "forge.minVmCount=0"
    )
    assert changed.code == 0, changed.err
    assert served.json("env", "show", "one-pool")["config"]["forge"]["vmCount"] == 6
    refused = served.headnode("env", "update", "one-pool", "--set", "forge.vmType=Standard_D4ds_v5")
    assert "config.forge.vmType: cannot be changed" in one_line(refused)
    assert served.headnode("env", "update", "one-pool").code == 2
    gone = served.headnode("env", "dispose", "one-pool")
    assert gone.code == 0, gone.err
    assert gone.out.splitlines()[-1] == "left: 0"
    assert pools == {}


def test_with_the_keys_of_the_accounts_and_they_are_never_shown(served: Served, azure: EmulatedAzure) -> None:
    azure.account("labdata", group="lab-data", location=LOCATION, keyed=True)
    words = ("credentials", "add", "keys", "--provider", "azure", *ACCOUNTS)
    secrets = {
        "AZURE_BATCH_ACCOUNT_KEY": azure.batch_key("labbatch"),
        "AZURE_STORAGE_ACCOUNT_KEY": azure.storage_key("labdata"),
    }
    added = served.headnode(*words, **secrets)
    assert added.code == 0, added.err
    made = served.headnode("env", "create", "-f", EXAMPLE, "--credentials", "keys")
    assert made.code == 0, made.err
    gone = served.headnode("env", "dispose", "one-pool")
    assert gone.code == 0, gone.err
    assert gone.out.splitlines()[-1] == "left: 0"
    shown = str(served.json("credentials", "list")) + made.out + made.err + gone.out
    assert "labdata" in shown
    assert not [each for each in secrets.values() if each in shown]


def test_a_login_to_a_registry_is_named_in_a_file(served: Served, azure: EmulatedAzure) -> None:
    azure.account("labdata", group="lab-data", location=LOCATION, keyed=True)
    keys = {
        "AZURE_BATCH_ACCOUNT_KEY": azure.batch_key("labbatch"),
        "AZURE_STORAGE_ACCOUNT_KEY": azure.storage_key("labdata"),
    }
    assert served.headnode("credentials", "add", "azure", "--provider", "azure", *ACCOUNTS, **keys).code == 0
    private = str(EXAMPLES / "9-private-images.yaml")
    assert one_line(served.headnode("env", "create", "-f", private)) == "no credentials 'quay'"
    words = ("credentials", "add", "quay", "--provider", "container-reg", "--registry", "quay.io")
    assert served.headnode(*words, "--user", "lab", REGISTRY_PASSWORD="canary").code == 0
    made = served.headnode("env", "create", "-f", private)
    assert made.code == 0, made.err
    bodies = [str(pool.body) for pool in azure.state.batch.accounts["labbatch"].pools.values()]
    assert ["canary" in each for each in bodies] == [True]
    asked = (("env", "show", "private-images"), ("env", "export", "private-images"), ("credentials", "list"))
    assert "canary" not in "".join(served.headnode(*words, "-o", "json").out for words in asked)


@pytest.mark.parametrize("keyed", [True, False], ids=["of another account", "an account that takes none"])
def test_a_storage_key_that_opens_nothing_is_said(served: Served, azure: EmulatedAzure, keyed: bool) -> None:
    azure.account("labdata", group="lab-data", location=LOCATION, keyed=keyed)
    words = ("credentials", "add", "keys", "--provider", "azure", *ACCOUNTS)
    wrong = "Y2FuYXJ5LW9mLXRoZS1zdG9yYWdlLWtleQ=="
    secrets = {"AZURE_BATCH_ACCOUNT_KEY": azure.batch_key("labbatch"), "AZURE_STORAGE_ACCOUNT_KEY": wrong}
    assert served.headnode(*words, **secrets).code == 0
    said = served.headnode("env", "create", "-f", EXAMPLE, "--credentials", "keys")
    assert said.code == 1
    expected = "AuthenticationFailed" if keyed else "KeyBasedAuthenticationNotPermitted"
    assert expected in said.err.splitlines()[-1]
    assert wrong not in said.out + said.err


def test_the_size_of_a_task(served: Served, azure: EmulatedAzure) -> None:
    words = ("sizes", "azure-batch", "--region", "eastus", "--cpus", "2", "--memory", "8.GB")
    families = ("--machine-type", "Standard_D*_v5,Standard_D*_v4")
    guide = (DOCS / "nextflow-azure.md").read_text()
    said = served.headnode(*words, *families)
    assert said.code == 0, said.err
    assert "\n".join(line.rstrip() for line in said.out.splitlines()) in guide
    assert served.json(*words, *families)["cheaper"]["name"] == "Standard_D8as_v5"
    refused = served.headnode("sizes", "azure-batch", "--region", "mars")
    assert (refused.code, "regionId: must be" in one_line(refused)) == (1, True)

    known = azure.environment()
    own = {name: known[name] for name in known if name.startswith("AZURE_")}
    added = served.headnode("credentials", "add", "azure", "--provider", "azure_entra", *ACCOUNTS, **own)
    assert added.code == 0, added.err
    here = ("sizes", "azure-batch", "--region", LOCATION, "--machine-type", "Standard_D2s_v5")
    said = served.headnode(*here, "--credentials", "azure")
    assert "room for nodes, dedicated" in said.out
    assert served.json(*here, "--credentials", "azure")["nextflow"]["nodesLeft"]["dedicated"] > 0
