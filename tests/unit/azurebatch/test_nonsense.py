"""Answers that no Batch gives: nothing is believed that was not said, nothing goes on for ever, and nothing
of somebody else's is touched."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import HeadnodeError, Refused, Unreachable
from shared.logs.wire import Reply, Wire
from shared.model import tags
from shared.model.environment import ResourceRow
from shared.providers.azure.batch import lookups
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from shared.providers.azure.clients import Clients
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import order
from tests.unit.azure.liar import NONSENSE, Liar, liar
from tests.unit.azurebatch.conftest import ACCOUNT, ID, Bind
from tests.unit.clouds.azure.batch import job_body, pool_body, service, task_body

__all__ = ["liar"]

POOL = f"tower-pool-{ID}"
JOB = "headnode-run1-1"
ROW = ResourceRow(key="pool", type="BatchPool", name=POOL, state="making")
SUBSCRIPTION = "6d0e9a3b-0000-0000-0000-000000000000"
READS: dict[str, Callable[[AzureBatch], Any]] = {
    "look": lambda cloud: cloud.look([JOB]),
    "machines": lambda cloud: list(cloud.machines()),
    "find": lambda cloud: cloud.find("run1", 1),
    "stop": lambda cloud: cloud.stop([JOB]),
    "mark": lambda cloud: cloud.mark([JOB], tags.ORPHAN, "1"),
    "start": lambda cloud: cloud.start(order(cloud)),
    "tend": lambda cloud: cloud.tend(),
    "end tasks": lambda cloud: cloud.end_tasks(["job-0123456789-FOO"], 0.0),
    "ensure": lambda cloud: cloud.ensure(ROW, {}),
    "remove": lambda cloud: cloud.remove(ROW.to("present").to("removing")),
    "check": lambda cloud: cloud.check(),
    "details": lambda cloud: cloud.details(),
}
acts = pytest.mark.parametrize("act", READS.values(), ids=READS)


@pytest.fixture
def lied(liar: Liar, bind: Bind, monkeypatch: pytest.MonkeyPatch) -> AzureBatch:
    """A provider of an account that lies."""
    monkeypatch.setattr(Clients, "token", lambda *_: "t")
    monkeypatch.setenv("HEADNODE_AZURE_URL", liar.url)
    return bind({"subscriptionId": SUBSCRIPTION, "batchName": ACCOUNT})


@acts
@pytest.mark.parametrize(("status", "body"), NONSENSE)
def test_what_says_nothing_is_asked_for_again(
    liar: Liar, lied: AzureBatch, act: Callable[[AzureBatch], Any], status: int, body: bytes
) -> None:
    liar.say(status, body, Location=f"{liar.url}/elsewhere")
    with pytest.raises(Unreachable):
        act(lied)
    assert [call for call in liar.calls if not call.startswith("GET")] == []
    assert not any("elsewhere" in call for call in liar.calls)


@pytest.mark.parametrize("status", [404, 409])
@acts
def test_what_is_not_said_by_batch_says_nothing_of_what_is_there(
    liar: Liar, lied: AzureBatch, act: Callable[[AzureBatch], Any], status: int
) -> None:
    liar.say(status, b"<html>Not Found</html>")
    with pytest.raises(HeadnodeError):
        act(lied)
    assert [call for call in liar.calls if not call.startswith("GET")] == []


@pytest.mark.parametrize("act", [READS["machines"], READS["tend"], READS["end tasks"]])
def test_a_listing_ends(
    liar: Liar, lied: AzureBatch, monkeypatch: pytest.MonkeyPatch, act: Callable[[AzureBatch], Any]
) -> None:
    link = f"{liar.url}/batch/{ACCOUNT}/jobs?page="
    liar.say(200, {"value": [], "odata.nextLink": link + "2"})
    with pytest.raises(Unreachable, match="circle"):
        act(lied)
    assert len(liar.calls) < 10
    monkeypatch.setattr("shared.providers.azure.batch.listing.MOST_PAGES", 20)
    liar.say(200, {"value": [], "odata.nextLink": link + "{n}"})
    with pytest.raises(Unreachable, match="does not end"):
        act(lied)
    assert len(liar.calls) < 40
    liar.say(200, {"value": [], "odata.nextLink": "https://elsewhere.example/batch"})
    with pytest.raises(Refused, match="elsewhere"):
        act(lied)


def test_a_listing_of_accounts_ends(liar: Liar, lied: AzureBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.providers.azure.listing.MOST_PAGES", 20)
    for link, said in (("2", "circle"), ("{n}", "does not end")):
        liar.say(200, {"value": [], "nextLink": f"{liar.url}/subscriptions/x?page={link}"})
        with pytest.raises(Unreachable, match=said):
            lied.details()
    assert len(liar.calls) < 40


@pytest.mark.parametrize("value", [5, "text", {"a": 1}, [None, 1, {}, {"id": None}, {"id": "../../pools"}]])
def test_choices_of_the_wrong_types_are_none(liar: Liar, lied: AzureBatch, value: object) -> None:
    liar.say(200, {"value": value})
    assert lookups.pools(BatchClients({"batchName": ACCOUNT}), "westeurope") == []


JUNK: list[Any] = [None, True, -7, 3.5, 10**400, "", "x" * 100_000, "../..", [], [None], ["x"], {}, {"x": {}}]
"""In the place of anything that Azure says."""


def places(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield here
    pairs: Any = node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ())
    for name, value in pairs:
        yield from places(value, (*here, name))


def spoiled(document: Any, at: tuple[Any, ...], junk: Any) -> Any:
    """The document with something else in that place."""
    if not at:
        return junk
    document[at[0]] = spoiled(document[at[0]], at[1:], junk)
    return document


class Spoiling:
    """Puts junk into one of the answers that come by, in some place of it; says where."""

    def __init__(self, chance: Random, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chance, self.armed, self.said = chance, False, ""
        real = Wire._exchanged

        def exchanged(wire: Wire, method: str, url: str, *more: Any) -> Reply:
            reply = real(wire, method, url, *more)
            if not self.armed or self.said or chance.random() < 0.4:
                return reply
            try:
                document = json.loads(reply.body)
            except ValueError:
                return reply
            at, junk = chance.choice(list(places(document))), chance.choice(JUNK)
            self.said = f"{method} {url.split('?')[0]}: {at} is {junk!r:.40}"
            return replace(reply, body=json.dumps(spoiled(document, at, junk)).encode())

        monkeypatch.setattr(Wire, "_exchanged", exchanged)


OWN: dict[str, Callable[[AzureBatch], Any]] = {
    "own check": lambda cloud: cloud.check(),
    "own details": lambda cloud: cloud.details(),
    "own leftovers": lambda cloud: cloud.leftovers([ROW.to("present").but(key="runs")]),
}
"""On pools of the user's own."""
names = pytest.mark.parametrize("name", [*READS, *OWN])


@dataclass
class Room:
    """An account in which there is something of everything."""

    azure: EmulatedAzure
    clock: FakeClock
    spoiling: Spoiling
    forged: AzureBatch
    own: AzureBatch

    def act(self, name: str) -> None:
        """Acts while one answer has junk in one place. Any of our errors will do."""
        furnish(self.azure, self.forged, self.clock)
        self.spoiling.said, self.spoiling.armed = "", True
        try:
            said = str(READS[name](self.forged) if name in READS else OWN[name](self.own))
        except HeadnodeError as error:
            said = str(error)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}; {self.spoiling.said}") from error
        finally:
            self.spoiling.armed = False
        assert len(said) < 50_000, self.spoiling.said
        assert self.azure.batch_pool(ACCOUNT, "theirs").state.name == "active", self.spoiling.said
        theirs = self.azure.state.batch.accounts[ACCOUNT].jobs["headnode-theirs-1"]
        assert theirs.state.name == "active", self.spoiling.said


@pytest.fixture
def room(
    ready: Bind,
    bind: Bind,
    azure: EmulatedAzure,
    azure_clock: FakeClock,
    chance: Random,
    monkeypatch: pytest.MonkeyPatch,
) -> Room:
    with service(azure) as client:
        client.create_pool(pool_body("theirs", targetDedicatedNodes=1))
        client.create_job(job_body("headnode-theirs-1", "theirs"))
    azure.settle()
    Sdk(azure).group()
    subnet = Sdk(azure).subnet()
    own = bind(forge=None, headPool="theirs", autoPoolMode=True, subnetId=subnet)
    return Room(azure, azure_clock, Spoiling(chance, monkeypatch), ready(), own)


@names
def test_junk_anywhere_in_an_answer_is_no_defect_and_hurts_nobody(room: Room, name: str) -> None:
    for _ in range(25):
        room.act(name)


@pytest.mark.long
@names
def test_junk_everywhere_in_answers_is_no_defect_and_hurts_nobody(room: Room, name: str) -> None:
    for _ in range(600):
        room.act(name)


def furnish(azure: EmulatedAzure, provider: AzureBatch, clock: FakeClock) -> None:
    """A pool, a head job that waits for long, and one of Nextflow's with tasks."""
    clock.advance(200)
    azure.settle()
    try:
        provider.ensure(ROW, {})
    except HeadnodeError:
        azure.settle()
        provider.ensure(ROW, {})
    if provider.find("run1", 1) is None:
        azure.state.batch.accounts[ACCOUNT].jobs.pop(JOB, None)
        clock.advance(31)  # a formula may be set once in half a minute
        provider.start(order(provider))
    if "job-0123456789-foo" not in azure.state.batch.accounts[ACCOUNT].jobs:
        with service(azure) as client:
            client.create_job(job_body("job-0123456789-FOO", POOL))
            client.create_task("job-0123456789-FOO", task_body("1"))
