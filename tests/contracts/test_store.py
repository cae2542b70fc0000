"""The Store contract, over every implementation."""

import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Exists, Refused, Stale, TooLarge
from shared.model.records import Record
from shared.stores.dynamodb import DynamoStore
from shared.stores.sqlite import SqliteStore, listing
from shared.stores.storageaccount import StorageAccount
from shared.stores.tables import TablesStore


class Thing(Record, frozen=True, kw_only=True):
    """A record with two listings and a unique name."""

    kind: ClassVar[str] = "thing"

    shelf: str = ""
    place: str = ""
    label: str = ""
    text: str = ""

    def indexes(self):
        found = {"all": ("all", self.place)}
        if self.shelf:
            found["shelf"] = (self.shelf, self.place)
        return found

    def names(self):
        return (self.label,) if self.label else ()


class Plain(Record, frozen=True, kw_only=True):
    """A record that no listing knows."""

    kind: ClassVar[str] = "plain"

    text: str = ""
    forget_at: float | None = None

    def expires(self):
        return self.forget_at


class Newer(Record, frozen=True, kw_only=True):
    """What a later version of this program may write as a `plain`."""

    kind: ClassVar[str] = "plain"

    text: str = ""
    colour: str = "red"


def dynamo_store() -> DynamoStore:
    """A fresh table."""
    import uuid

    name = f"headnode-{uuid.uuid4().hex[:8]}"
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    return DynamoStore(name)


@pytest.fixture(params=["sqlite", "dynamodb", "tables"])
def pair(request, tmp_path):
    """Two store objects on the same records, as two workers have them."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "store.db"), SqliteStore(tmp_path / "store.db")
    if request.param == "tables":
        azurite = request.getfixturevalue("azurite")
        account, table = StorageAccount("", unasked, azurite.connection()), azurite.new_table()
        return TablesStore(account, table), TablesStore(account, table)
    request.getfixturevalue("aws")
    first = dynamo_store()
    return first, DynamoStore(first._table._name)


def unasked():
    raise AssertionError("Azurite knows no identities")


@pytest.fixture
def store(pair):
    return pair[0]


def ids(found) -> list[str]:
    return [item.id for item in found.items]


def everything(store, *, limit=3, **how) -> list[str]:
    """All ids of the `all` listing, page by page."""
    seen, after = [], ""
    while True:
        page = store.find(Thing, "all", "all", after=after, limit=limit, **how)
        assert len(page.items) <= limit
        seen += ids(page)
        after = page.after
        if not after:
            return seen


def test_what_is_saved_is_read_with_its_generation(store):
    saved = store.save(Thing(id="a", place="1", text="x" * 1000))
    assert saved.generation == 1
    assert store.get(Thing, "a") == saved
    assert store.get(Thing, "b") is None
    assert store.get(Plain, "a") is None

    again = store.save(saved.but(text="y"))
    assert again.generation == 2
    assert store.get(Thing, "a") == again


def test_a_stale_writer_is_refused_and_writes_nothing(pair):
    mine, theirs = pair
    first = mine.save(Thing(id="a", place="1"))
    theirs.save(first.but(place="2"))
    with pytest.raises(Stale):
        mine.save(first.but(place="3"))
    with pytest.raises(Stale):
        mine.save(first.but(text="same rows"))
    assert everything(mine, upto="2") == ["a"]
    with pytest.raises(Stale):
        mine.save(Thing(id="gone", generation=4))


def test_an_id_is_taken_once(pair):
    mine, theirs = pair
    for kind in (Thing, Plain):
        mine.save(kind(id="a", text="mine"))
        with pytest.raises(Exists, match="already exists"):
            theirs.save(kind(id="a", text="theirs"))
        found = mine.get(kind, "a")
        assert found is not None
        assert found.text == "mine"


def test_a_name_is_unique_and_free_again_when_it_is_given_up(store):
    first = store.save(Thing(id="a", label="ws/name"))
    with pytest.raises(Exists, match="named name already exists"):
        store.save(Thing(id="b", label="ws/name"))
    assert store.get(Thing, "b") is None
    second = store.save(Thing(id="c", label="ws/other"))
    with pytest.raises(Exists):
        store.save(second.but(label="ws/name"))

    first = store.save(first.but(label=""))
    second = store.save(second.but(label="ws/name"))
    store.remove(Thing, ["c"])
    store.save(first.but(label="ws/name"))


def test_a_save_of_several_is_all_or_nothing(store):
    a = store.save(Thing(id="a", place="1"))
    b = store.save(Thing(id="b", place="2"))
    store.save(b.but(text="newer"))
    with pytest.raises(Stale):
        store.save_all(a.but(place="9"), b.but(place="9"), Plain(id="new"))
    assert store.get(Plain, "new") is None
    assert everything(store, upto="2") == ["a", "b"]

    fresh = store.get(Thing, "b")
    store.save_all(a.but(place="8"), fresh.but(place="7"), Plain(id="new"))
    assert everything(store) == ["b", "a"]
    assert store.get(Thing, "a").generation == 2
    assert store.get(Plain, "new").generation == 1


def test_records_of_any_kind_are_read_in_one_go(store):
    thing, plain = store.save(Thing(id="a", shelf="s")), store.save(Plain(id="a"))
    asked = [(Plain, "a"), (Thing, "gone"), (Thing, "a"), (Plain, "a")]
    assert store.get_each(*asked) == [plain, None, thing, plain]
    assert store.get_each() == []
    store.put_many(Plain(id=f"p{n}") for n in range(120))
    assert [found.id for found in store.get_each(*[(Plain, f"p{n}") for n in range(120)])] == [
        f"p{n}" for n in range(120)
    ]


def test_what_is_too_much_at_once_is_refused_whole_and_its_parts_fit(store):
    text = random.Random(1).randbytes(160_000).hex()
    some = [Plain(id=f"p{n}", text=text) for n in range(40)]
    if isinstance(store, SqliteStore):
        store.save_all(*some)
        return
    for too_many in (some, [Plain(id=f"q{n}") for n in range(101)]):
        with pytest.raises(TooLarge):
            store.save_all(*too_many)
        assert store.get(Plain, too_many[0].id) is None
    for start in range(0, 40, 8):
        store.save_all(*some[start : start + 8])
    assert len(store.get_many(Plain, [f"p{n}" for n in range(40)])) == 40


def test_listings_follow_the_record(store):
    thing = store.save(Thing(id="a", shelf="left", place="1"))
    thing = store.save(thing.but(shelf="right", place="2"))
    assert ids(store.find(Thing, "shelf", "left")) == []
    assert ids(store.find(Thing, "shelf", "right")) == ["a"]
    thing = store.save(thing.but(shelf=""))
    assert ids(store.find(Thing, "shelf", "right")) == []
    store.remove(Thing, ["a"])
    assert everything(store) == []


def test_pages_go_forward_and_backward_over_equal_sort_keys(store):
    store.put_many(Thing(id=f"t{n:03d}", place=f"{n // 7:03d}") for n in range(60))
    forward = [f"t{n:03d}" for n in range(60)]
    assert everything(store, limit=7) == forward
    assert everything(store, limit=60) == forward
    assert everything(store, limit=11, newest_first=True) == forward[::-1]
    assert everything(store, limit=4, upto="003") == forward[:28]
    assert everything(store, limit=4, upto="003", newest_first=True) == forward[:28][::-1]
    assert everything(store, upto="0029") == forward[:21]
    assert store.find(Thing, "all", "none") == store.find(Thing, "none", "all")


def test_a_cursor_that_is_not_ours_is_refused(store):
    for cursor in ("nonsense", "%%%", "e30="):
        with pytest.raises(ValueError, match="cursor"):
            store.find(Thing, "all", "all", after=cursor)


def test_many_are_read_and_written_in_batches(store):
    store.put_many(Thing(id=f"t{n}", shelf="s", place=f"{n:04d}") for n in range(230))
    store.put_many([Thing(id=f"t{n}", shelf="", place=f"{n + 1000:04d}", text="again") for n in range(30)])
    found = store.get_many(Thing, [f"t{n}" for n in range(240)] + ["t1"])
    assert len(found) == 230
    assert found["t1"].text == "again"
    assert len(everything(store, limit=50)) == 230
    assert len(store.find(Thing, "shelf", "s", limit=500).items) == 200
    saved = store.save(found["t1"].but(text="swapped"))
    assert saved.generation == found["t1"].generation + 1

    store.remove(Thing, [f"t{n}" for n in range(235)])
    assert everything(store) == []
    assert store.get_many(Thing, []) == {}


def test_large_records_are_kept_and_too_large_ones_named(store):
    text = "é" * 300_000
    assert store.get(Plain, store.save(Plain(id="big", text=text)).id).text == text
    too_large = {DynamoStore: 400_000, TablesStore: 1_000_000}.get(type(store))
    if too_large:
        with pytest.raises(Refused, match="plain huge is too large"):
            store.save(Plain(id="huge", text=random.Random(1).randbytes(too_large).hex()))


def test_a_newer_programs_fields_do_not_stop_an_older_one(store):
    store.save(Newer(id="n", text="hello"))
    found = store.get(Plain, "n")
    assert found.text == "hello"
    store.save(found.but(text="older"))
    assert store.get(Newer, "n").colour == "red"


def test_threads_never_lose_a_write(pair):
    pair[0].save(Plain(id="count", text="0"))

    def add(store, times: int) -> None:
        done = 0
        while done < times:
            found = store.get(Plain, "count")
            try:
                store.save(found.but(text=str(int(found.text) + 1)))
                done += 1
            except Stale:
                continue

    threads = [threading.Thread(target=add, args=(pair[n % 2], 10)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pair[0].get(Plain, "count").text == "40"


actions = st.lists(
    st.tuples(
        st.sampled_from(["save", "stale", "put", "remove"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "left", "right"]),
        st.sampled_from(["1", "2", "10"]),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=actions)
def test_it_behaves_like_a_dictionary(store, steps):
    store.remove(Thing, ["a", "b", "c"])
    model: dict[str, Thing] = {}
    for verb, id, shelf, place, label in steps:
        wanted = Thing(id=id, shelf=shelf, place=place, label=label if verb != "put" else "")
        known = model.get(id)
        if verb == "remove":
            store.remove(Thing, [id])
            model.pop(id, None)
        elif verb == "put":
            if known is None or not known.label:
                store.put_many([wanted])
                model[id] = store.get(Thing, id)
        else:
            generation = (known.generation if known else 0) + (5 if verb == "stale" else 0)
            taken = any(other.label == label != "" for key, other in model.items() if key != id)
            if verb == "stale":
                with pytest.raises(Stale):
                    store.save(wanted.but(generation=generation))
            elif taken:
                with pytest.raises(Exists):
                    store.save(wanted.but(generation=generation))
            else:
                model[id] = store.save(wanted.but(generation=generation))
    assert store.get_many(Thing, ["a", "b", "c"]) == model
    in_order = sorted(model.values(), key=lambda thing: (thing.place, thing.id))
    assert everything(store) == [thing.id for thing in in_order]
    for shelf in ("left", "right"):
        wanted_ids = [thing.id for thing in in_order if thing.shelf == shelf]
        assert ids(store.find(Thing, "shelf", shelf)) == wanted_ids


def test_sqlite_lists_by_its_key_and_never_scans(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    query, values = listing("thing", "all", "all", "", "5", True)
    plan = [row[3] for row in store.db.execute(f"explain query plan {query}", (*values, 10))]
    assert plan
    assert all(step.startswith("SEARCH") for step in plan), plan


def test_sqlite_forgets_what_expired(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    store.save(Plain(id="old", forget_at=10.0))
    store.save(Plain(id="new", forget_at=30.0))
    store.save(Plain(id="kept"))
    assert store.expire(20.0) == 1
    assert store.get(Plain, "old") is None
    assert sorted(store.get_many(Plain, ["old", "new", "kept"])) == ["kept", "new"]


KILLED = """
import sys
from pathlib import Path
from tests.contracts.test_store import Thing
from shared.stores.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    thing = store.save(Thing(id=f"t{n}", shelf="s", place=str(n), label=f"n{n}"))
    store.save(thing.but(shelf="", place=str(-n)))
"""


def test_sqlite_survives_sigkill_in_the_middle_of_writes(tmp_path):
    path = tmp_path / "store.db"
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        process.stdout.readline()
        store = SqliteStore(path)
        while not everything(store, limit=100):
            pass
        process.kill()
        process.communicate()
        listed = everything(store, limit=1000)
        records = store.get_many(Thing, [f"t{n}" for n in range(1, len(listed) + 50)])
        assert sorted(records) == sorted(listed)
        on_shelf = ids(store.find(Thing, "shelf", "s", limit=100_000))
        assert sorted(on_shelf) == sorted(id for id, thing in records.items() if thing.shelf)
        store.remove(Thing, listed)
