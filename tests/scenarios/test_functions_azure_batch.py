"""Azure Batch in Azure Functions, which act as themselves: the API and each step have their own role of the
deployment and no other, and use all of it. The test plays the head job."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.arm.judge import Judge
from local.clouds.azure.batch.models import Job
from local.demo.places.azurebatch import TRANSITIONS
from shared import wiring
from shared.model.message import STEPS, Message, Parked, to_text
from shared.providers.azure.batch.permissions import of_host
from tests.azure_cloud import LOCATION, Clients
from tests.functions_host import FunctionsHost
from tests.scenarios.functions_place import put
from tests.scenarios.test_functions import SEALING
from tests.scenarios.test_lambdas import Client

ACCOUNT, STORAGE, CONTAINER = "acct", "workstore", "work"
DEPLOYED = Path(__file__).parents[2] / "infra" / "azure" / "roles"
JOBS = "Microsoft.Batch/batchAccounts/jobs"
RARE = {
    # Quotas, and more nodes: for a pool that has none or too few.
    "launch": {"Microsoft.Batch/batchAccounts/read", "Microsoft.Batch/batchAccounts/pools/write"},
    "logs": {f"{JOBS}/read"},  # of a head task that shipped nothing
    "reap": {f"{JOBS}/delete"},  # of a job that never began
    "dispose": {f"{JOBS}/write"},  # to end a job that is still active
}
"""What a life without misfortune may have no use for."""


class Place:
    """The deployed Functions beside a Batch account of their own subscription."""

    def __init__(self, azure: EmulatedAzure, functions: Any, monkeypatch: Any) -> None:
        self.azure = azure
        azure.account(STORAGE, group="data", location=LOCATION, containers=[CONTAINER])
        azure.batch_account(ACCOUNT)
        sdk = Clients(azure)
        sdk.group("ids")
        made = sdk.identities.user_assigned_identities
        identity = made.create_or_update("ids", "head", {"location": LOCATION})
        self.config = {
            "discriminator": "azure-batch",
            "region": LOCATION,
            "workDir": f"az://{CONTAINER}/runs",
            "storageAccount": STORAGE,
            "batchAccount": ACCOUNT,
            "subscriptionId": azure.environment()["AZURE_SUBSCRIPTION_ID"],
            "managedIdentityHeadResourceId": identity.id,
            "managedIdentityClientId": identity.client_id,
            "subnetId": sdk.subnet("ids"),
            "forge": {"vmType": "Standard_D4ds_v5", "vmCount": 2},
        }
        self.asked: dict[str, set[str]] = defaultdict(set)
        """Holder -> the actions that it made use of."""
        self._watched(monkeypatch)
        self.become("api")
        self.host: FunctionsHost = functions(**azure.function_environment())
        self.host.before = lambda name: self.become(name.partition("_")[0])

    def _watched(self, monkeypatch: Any) -> None:
        us, may = self.azure.state.directory.function.object_id, Judge.may

        def noted(judge: Judge, principal: str, action: str, scope: str, **more: Any) -> bool:
            if principal == us:
                self.asked[self._holder].add(action)
            return may(judge, principal, action, scope, **more)

        monkeypatch.setattr(Judge, "may", noted)

    def become(self, holder: str) -> None:
        """What the Function may do from now on: the deployed file's, and to open what is sealed."""
        self._holder = holder
        [block] = json.loads((DEPLOYED / f"{holder}.json").read_text())["properties"]["permissions"]
        self.azure.enforce("function", SEALING, block)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """A user asks the API."""
        self.become("api")
        return Client(self.host.url, self.host.wait)(method, path, body)

    def until(self, what: Callable[[], Any]) -> Any:
        """Delivers until it holds, while the cloud does what is due."""

        def look() -> Any:
            self.azure.settle()
            return what()

        return self.host.wait(look)

    def status(self, path: str, *statuses: str) -> Any:
        """The record once it has one of these statuses."""

        def look() -> Any:
            found = self("GET", path)
            return found if found["status"] in statuses else None

        return self.until(look)

    def environment(self) -> str:
        """A new environment that is AVAILABLE."""
        asked = {"name": "batch", "platform": "azure-batch", "config": self.config}
        id = str(self("POST", "/compute-envs", {"computeEnv": asked})["computeEnvId"])
        found = self.status(f"/headnode/environments/{id}", "AVAILABLE", "ERRORED")
        assert found["status"] == "AVAILABLE", found
        return id

    def launch(self, environment: str) -> str:
        launch = {"computeEnvId": environment, "pipeline": "https://example.org/hello"}
        return str(self("POST", "/workflow/launch", {"launch": launch})["workflowId"])

    def jobs(self) -> dict[str, Job]:
        return {each.id: each for each in self.azure.state.batch.accounts[ACCOUNT].jobs.values()}

    def pools(self) -> list[str]:
        return list(self.azure.state.batch.accounts[ACCOUNT].pools)

    def job(self, run: str) -> Job:
        """The run's head job, once it is there."""
        found: Job = self.until(lambda: self.jobs().get(f"headnode-{run}-1"))
        return found

    def work(self, run: str) -> None:
        """The head job asks for its spec and says that all went well; nothing that Azure did for it was
        signed."""
        job = self.job(run)
        settings = job.body["jobManagerTask"]["environmentSettings"]
        boot = json.loads(next(each["value"] for each in settings if each["name"] == "HEADNODE_BOOT"))
        url, machine = f"{self.host.url}/headnode/machine/{run}/1", {"machine_id": job.id}
        user = {"Authorization": f"Bearer {boot['token']}"}
        self.become("api")
        spec = httpx.post(f"{url}/spec", json=machine, headers=user)
        assert spec.status_code == 200, spec.text
        assert spec.json()["azure"]["sas"] == ""
        own = {"Authorization": f"Bearer {spec.json()['token']}"}
        for event in ("boot", "start", "end"):
            said = {**machine, "event": event, "exit_status": 0 if event == "end" else None}
            assert httpx.post(f"{url}/report", json=said, headers=own).status_code == 200


@pytest.fixture
def place(azure: Any, functions: Any, monkeypatch: Any) -> Iterator[Place]:
    """In the host's own time, of which the cloud needs little."""
    monkeypatch.setattr(azure.state, "clock", time.time)
    monkeypatch.setattr(azure.timings, "autoscale_pause", 0.0)
    for name, seconds in TRANSITIONS.items():
        monkeypatch.setitem(azure.timings.transitions, name, seconds)
    found = Place(azure, functions, monkeypatch)
    yield found
    assert found.host.errors == []
    assert found.azure.judge.refusals == []


def test_a_life_uses_the_actions_of_each_role_and_is_refused_none(place: Place) -> None:
    environment = place.environment()
    good, cancelled = place.launch(environment), place.launch(environment)
    place.work(good)
    place.job(cancelled)
    assert place("GET", f"/workflow/{cancelled}/log")["log"]["entries"] == []
    place("POST", f"/workflow/{cancelled}/cancel", {})
    place.status(f"/headnode/runs/{good}", "SUCCEEDED", "FAILED")
    place.status(f"/headnode/runs/{cancelled}", "CANCELLED")
    place("DELETE", f"/compute-envs/{environment}")
    gone = place.status(f"/headnode/environments/{environment}", "DELETED")
    assert gone["receipt"]["left"] == []
    assert (place.pools(), list(place.jobs())) == ([], [])
    for step in STEPS:
        share = of_host(step)
        given = {action for kind in ("actions", "dataActions") for action in share[kind]}
        assert given - place.asked[step] <= RARE.get(step, set()), step


def test_messages_twice_in_disorder_and_after_the_end_make_one_job(place: Place) -> None:
    environment = place.environment()
    run = place.launch(environment)
    for step in ("reap", "logs", "launch", "launch"):
        put(step, to_text(Message(step=step, subject=run)))
    job = place.job(run)
    for step in ("launch", "logs", "reap", "launch"):
        put(step, to_text(Message(step=step, subject=run)))
    place.work(run)
    place.status(f"/headnode/runs/{run}", "SUCCEEDED", "FAILED")
    place("DELETE", f"/compute-envs/{environment}")
    place.status(f"/headnode/environments/{environment}", "DELETED")
    made = [each for each in place.azure.journal.entries("batch", "CreateJob") if each.status == 201]
    assert [each.params["id"] for each in made] == [job.id]

    since = len(made)
    put("launch", to_text(Message(step="launch", subject=run)))
    put("launch", to_text(Message(step="launch", subject=f"tend:{environment}")))
    put("create", to_text(Message(step="create", subject=environment)))
    place.until(lambda: place.host.pump() == 0)
    made = [each for each in place.azure.journal.entries("batch", "CreateJob") if each.status == 201]
    assert (len(made), place.pools(), list(place.jobs())) == (since, [], [])
    world = wiring.functions_world()
    assert world.store.find(Parked, "all", "all").items == ()
