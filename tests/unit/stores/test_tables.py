"""What the Azure table's contract cannot show: lost answers, keys and their order, owners, expiry."""

import random
import string
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from azure.data.tables import TableClient

from local.clouds.answer import Answer, Dropped
from local.clouds.azure.front import Front
from shared.errors import Exists, Refused, Stale, Throttled, TooLarge, Unreachable
from shared.model.access import Token
from shared.model.metrics import Metrics
from shared.model.records import Record
from shared.model.trace import TaskBlock, Trace
from shared.stores import tableitems
from shared.stores.storageaccount import StorageAccount
from shared.stores.tables import TablesStore
from tests.contracts.test_store import Plain, Thing, everything, ids


class Relay:
    """Stands between a store and Azurite, and may lose what passes."""

    def __init__(self, to: str) -> None:
        self._to = httpx.Client(base_url=to)
        self.writes = self.calls = 0
        self.fate: Callable[[int], str] = lambda write: ""
        """By number of the write: `before` or `after` it the connection breaks; `unheard` it takes
        effect and 503 is answered, `busy` it does not."""

    def close(self) -> None:
        self._to.close()

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.calls += 1
        self.writes += method != "GET"
        fate = self.fate(self.writes) if method != "GET" else ""
        if fate == "before":
            raise Dropped
        if fate == "busy":
            return Answer(503, b"", [("Retry-After", "0")])
        kept = {
            name: value
            for name, value in headers.items()
            if name not in ("host", "connection", "accept-encoding")
        }
        answer = self._to.request(method, target, headers=kept, content=body)
        if fate == "after":
            raise Dropped
        if fate == "unheard":
            return Answer(503, b"", [("Retry-After", "0")])
        wanted = {"transfer-encoding", "connection", "content-encoding", "content-length"}
        return Answer(
            answer.status_code,
            answer.content,
            [(n, v) for n, v in answer.headers.items() if n.lower() not in wanted],
        )


@pytest.fixture
def relay(azurite) -> Iterator[Relay]:
    """Between the store and Azurite."""
    found = Relay(azurite.table)
    front = Front("127.0.0.1", 0, found)
    front.start()
    found.url = front.url
    yield found
    front.stop()
    found.close()


@pytest.fixture
def table(azurite) -> Iterator[TableClient]:
    """The bare table."""
    with TableClient.from_connection_string(azurite.connection(), azurite.new_table()) as client:
        yield client


@pytest.fixture
def store(azurite, relay, table) -> TablesStore:
    found = TablesStore(
        StorageAccount("", lambda: None, azurite.connection(table=relay.url)), table.table_name
    )
    found._table._sleep = lambda seconds: None
    return found


def unsound(table: TableClient) -> list[str]:
    """Rows that no record has, and rows that are missing."""
    rows, wanted = set(), set()
    for entity in table.list_entities():
        if entity["RowKey"].startswith("r!"):
            wanted |= {(entity["PartitionKey"], row) for row in entity["rows"].split()}
        else:
            rows.add((entity["PartitionKey"], entity["RowKey"]))
    return [str(each) for each in rows ^ wanted]


def test_a_save_of_what_was_read_is_one_call_and_of_what_was_not_two(store, relay):
    thing = store.save(Thing(id="a", shelf="left", place="1", label="x"))
    for change in ({"text": "new"}, {"place": "2"}, {"label": "y", "shelf": ""}):
        before = relay.calls
        thing = store.save(thing.but(**change))
        assert relay.calls == before + 1, change
    store._versions.learn(("headnode", "r!thing!a"), None)
    before = relay.calls
    store.save(thing.but(text="newer"))
    assert relay.calls == before + 2


LIFE = (
    lambda store, known: store.save(Thing(id="a", shelf="s", place="1", label="x")),
    lambda store, known: store.save(known.but(text="only the body")),
    lambda store, known: store.save(known.but(shelf="t", place="2", label="y")),
    lambda store, known: store.save_all(
        known.but(shelf=""), Thing(id="b", place="3"), Token(id="t", expires_at=9.0)
    ),
    lambda store, known: store.put_many([Thing(id="a", place="7"), Thing(id="c", shelf="u")]),
    lambda store, known: store.remove(Thing, ["a", "b"]),
)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_at_any_write_leaves_nothing_half_done(store, relay, table, when):
    for number in range(1, len(LIFE) + 1):
        store.remove(Thing, ["a", "b", "c"])
        store.remove(Token, ["t"])
        start = relay.writes
        relay.fate = lambda write, at=start + number: when if write == at else ""
        broken = False
        for act in LIFE:
            known = store.get(Thing, "a")
            try:
                act(store, known)
            except Unreachable:
                broken = True
                assert unsound(table) == []
                done = store.get(Thing, "a") != known
                assert done <= (when == "after")
                if not done and not (when == "after" and act in LIFE[3:]):
                    act(store, store.get(Thing, "a"))
        relay.fate = lambda write: ""
        assert broken, number
        assert unsound(table) == []


def test_a_write_that_took_effect_unheard_is_known_by_its_own_mark(store, relay, table):
    relay.fate = lambda write: "unheard" if write == 1 else ""
    thing = store.save(Thing(id="a", shelf="s", place="1", label="x"))
    relay.fate = lambda write, at=relay.writes + 1: "unheard" if write == at else ""
    thing = store.save(thing.but(place="2", label="y"))
    relay.fate = lambda write, at=relay.writes + 1: "unheard" if write == at else ""
    store.save_all(thing.but(place="3"), Plain(id="p"))
    assert (store.get(Thing, "a").place, store.get(Plain, "p").generation) == ("3", 1)
    assert unsound(table) == []


def test_a_table_that_stays_busy_is_throttled(store, relay):
    relay.fate = lambda write: "busy"
    with pytest.raises(Throttled, match="the table throttles"):
        store.save(Plain(id="p"))


def test_a_name_may_pass_from_one_record_to_another_in_one_save(store, table):
    a = store.save(Thing(id="a", label="x"))
    b = store.save(Thing(id="b", label="y"))
    store.save_all(a.but(label="y"), b.but(label="x"))
    assert unsound(table) == []
    with pytest.raises(Exists, match="thing named x already exists"):
        store.save(Thing(id="c", label="x"))


def test_another_process_that_is_faster_makes_us_stale(azurite, store, table):
    mine = store.save(Thing(id="a", place="1"))
    other = TablesStore(StorageAccount("", lambda: None, azurite.connection()), table.table_name)
    other.save(other.get(Thing, "a").but(place="2"))
    with pytest.raises(Stale):
        store.save(mine.but(text="what this process remembers is old"))
    other.remove(Thing, ["a"])
    with pytest.raises(Stale):
        store.save(mine.but(generation=2, place="6"))
    other.save(Thing(id="a", place="5"))
    store.save(store.get(Thing, "a").but(place="7"))
    assert unsound(table) == []


def test_two_processes_that_force_the_same_records_both_succeed(azurite, table):
    stores = [
        TablesStore(StorageAccount("", lambda: None, azurite.connection()), table.table_name)
        for _ in range(2)
    ]

    def force(store: TablesStore, shelf: str) -> None:
        for number in range(6):
            store.put_many(Thing(id=f"t{n}", shelf=shelf, place=str(number)) for n in range(5))
            store.remove(Thing, ["t0"])

    threads = [threading.Thread(target=force, args=(s, name)) for s, name in zip(stores, "lr", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unsound(table) == []
    listed = [ids(stores[0].find(Thing, "shelf", name)) for name in "lr"]
    assert sorted([*listed[0], *listed[1]]) == [f"t{n}" for n in range(1, 5)]


def test_what_a_run_reports_stands_apart_and_changes_at_once(store, table):
    for run in ("run1", "run2"):
        blocks = [TaskBlock(id=f"{run}/{n}", tasks=({"taskId": n},)) for n in range(90)]
        store.save_all(Trace(id=run, sizes=dict.fromkeys(map(str, range(90)), 1)), Metrics(id=run), *blocks)
    assert {each["PartitionKey"] for each in table.list_entities()} == {"trace!run1", "trace!run2"}
    trace, block, missing = store.get_each((Trace, "run1"), (TaskBlock, "run1/7"), (TaskBlock, "run1/90"))
    assert (trace.blocks[89], block.of(0), missing) == (1, {7: {"taskId": 7}}, None)
    for kind in (Trace, TaskBlock, Metrics):
        assert (kind.indexes, kind.names, kind.expires) == (Record.indexes, Record.names, Record.expires)
    with pytest.raises(Refused, match="different owners"):
        store.save_all(trace, Plain(id="p"))
    with pytest.raises(Stale):
        store.save_all(trace, TaskBlock(id="run1/90"), block.but(generation=9))
    assert store.get(TaskBlock, "run1/90") is None
    store.remove(TaskBlock, [f"run2/{n}" for n in range(90)])
    assert store.get_many(TaskBlock, [f"run2/{n}" for n in range(90)]) == {}


def test_what_expired_is_forgotten_and_what_got_more_time_is_not(store, table):
    old = store.save(Token(id="old", expires_at=100.0))
    store.put_many([Token(id="new", expires_at=5000.0), Token(id="kept")])
    more = store.save(Token(id="more", expires_at=100.0))
    rows = store._table.query("headnode", ("ge", "x!", "lt", "x$"), ["RowKey", "of", "kind"], 10)[0]
    store.save(more.but(expires_at=9000.0))
    assert [store._expired(row) for row in rows if row["of"] == "more"] == [False]
    assert store.expire(99.0) == 0
    assert store.expire(1000.0) == 1
    assert sorted(store.get_many(Token, ["old", "new", "kept", "more"])) == ["kept", "more", "new"]
    with pytest.raises(Stale):
        store.save(old)
    assert unsound(table) == []


def test_more_changes_than_azure_takes_at_once_are_refused_whole(store, table):
    with pytest.raises(TooLarge, match="120 changes at once are too many"):
        store.save_all(*[Thing(id=f"t{n}", shelf="s", label=f"l{n}") for n in range(20)])
    big = random.Random(1).randbytes(350_000).hex()
    with pytest.raises(TooLarge, match="too large to be saved at once"):
        store.save_all(*[Plain(id=f"p{n}", text=big) for n in range(12)])
    store.put_many(Plain(id=f"p{n}", text=big) for n in range(12))
    assert len(store.get_many(Plain, [f"p{n}" for n in range(12)])) == 12
    assert store.get(Thing, "t0") is None
    assert unsound(table) == []


LETTERS = string.printable + "äß\u0130\u2028\ufffd\U0001f600\U0010ffff"


def test_keys_keep_the_order_of_any_text(chance):
    def word(most: int) -> str:
        return "".join(chance.choice(LETTERS) for _ in range(chance.randrange(most)))

    for _ in range(20_000):
        (a, i), (b, j) = (word(4), word(3)), (word(4), word(3))
        first, second = (tableitems.place(*each, False) for each in ((a, i), (b, j)))
        assert (first < second) == ((a, i) < (b, j)), (a, i, b, j)
        first, second = (tableitems.place(*each, True) for each in ((a, i), (b, j)))
        assert (first > second) == ((a, i) < (b, j)), (a, i, b, j)
        for backward in (False, True):
            _, low, _, high = tableitems.between("p!", backward, None, a or "x")
            assert (low <= "p!" + tableitems.place(b, j, backward) < high) == (b <= (a or "x"))


def test_any_text_can_be_a_key_and_long_ones_too(store, table):
    odd = [*LETTERS, "/subscriptions/x/" * 30, "a" * 2000, "'); drop", "%2f", "\x00"]
    store.put_many(Thing(id=f"id {each}", shelf=each, place=each) for each in odd)
    assert all(len(entity["RowKey"]) <= 512 for entity in table.list_entities())
    for each in odd:
        assert ids(store.find(Thing, "shelf", each)) == [f"id {each}"]
        assert store.get(Thing, f"id {each}").place == each
    assert everything(store, limit=20) == [f"id {each}" for each in sorted(odd)]
    assert everything(store, limit=20, newest_first=True) == [f"id {each}" for each in sorted(odd)][::-1]
    named = store.save(Thing(id="named", label="'#/?\\ " + "n" * 500))
    with pytest.raises(Exists):
        store.save(Thing(id="other", label=named.label))
