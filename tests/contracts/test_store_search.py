"""The Store's search, over every implementation: it answers as a plain filter of all records would, and
reads no more than its rarest part."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Refused, Stale
from shared.model.records import Record, Sought
from shared.model.search import Query, folded
from shared.stores import sqlitesearch
from shared.stores.sqlite import SqliteStore
from shared.stores.storageaccount import StorageAccount
from shared.stores.tables import TablesStore
from tests.contracts.test_store import dynamo_store, unasked


class Book(Record, frozen=True, kw_only=True):
    """A record that is searched for."""

    kind: ClassVar[str] = "book"

    shelf: str = "a"
    day: str = "1"
    title: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()

    def sought(self):
        texts = tuple(dict.fromkeys(filter(None, map(folded, (self.title, self.author)))))
        return Sought(scope=self.shelf, sort=self.day, terms=self.tags, texts=texts)


@pytest.fixture(params=["sqlite", "dynamodb", "tables"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "store.db")
    if request.param == "tables":
        azurite = request.getfixturevalue("azurite")
        return TablesStore(StorageAccount("", unasked, azurite.connection()), azurite.new_table())
    request.getfixturevalue("aws")
    return dynamo_store()


def found(store, offset=0, limit=100, **wanted) -> list[str]:
    query = Query(scope=wanted.pop("scope", "a"), **wanted)
    return [book.id for book in store.search(Book, query, offset=offset, limit=limit).items]


def expected(books, query: Query) -> list[str]:
    """What every store must answer."""
    hits = [book for book in books if query.matches(book.sought())]
    return [book.id for book in sorted(hits, key=lambda book: (book.day, book.id), reverse=True)]


def test_a_record_is_found_by_any_part_of_a_text_and_by_whole_values(store):
    store.save(Book(id="1", day="1", title="happy_einstein", author="nextflow-io/hello", tags=("s:new",)))
    store.save(Book(id="2", day="2", title="sad_ptolemy", author="nextflow-io/rnaseq", tags=("s:new", "x")))
    store.save(Book(id="3", day="3", title="Größe", shelf="b", tags=("s:new",)))
    assert found(store) == ["2", "1"]
    for word, ids in {
        "ein": ["1"], "y_ei": ["1"], "tolemy": ["2"], "seq": ["2"], "o": ["2", "1"],
        "nextflow-io": ["2", "1"],
        "pt": ["2"], "happy_einsteinx": [], "steinnext": [], "größe": [], "hap": ["1"],
    }.items():  # fmt: skip
        assert found(store, words=(word,)) == ids, word
    assert found(store, words=(folded("GRÖß"),), scope="b") == ["3"]
    assert found(store, words=("io", "hello")) == ["1"]
    assert found(store, terms=(("s:new",),)) == ["2", "1"]
    assert found(store, terms=(("s:new",), ("x",))) == ["2"]
    assert found(store, terms=(("x", "y", "s:new"),)) == ["2", "1"]
    assert found(store, terms=(("s:",),)) == []
    assert found(store, terms=((),)) == []
    assert found(store, terms=(("s:new",),), words=("einst",)) == ["1"]
    assert found(store, since="2") == ["2"]
    assert found(store, upto="1", words=("nextflow",)) == ["1"]
    assert found(store, since="2", upto="1") == []


def test_the_index_follows_the_record(store):
    book = store.save(Book(id="1", title="alpha", tags=("new",)))
    book = store.save(book.but(tags=("old",)))
    assert (found(store, terms=(("new",),)), found(store, terms=(("old",),))) == ([], ["1"])
    book = store.save(book.but(title="gamma"))
    assert (found(store, words=("alp",)), found(store, words=("amm",))) == ([], ["1"])
    store.save_all(book.but(title="delta", day="9"), Book(id="2", title="delta"))
    assert found(store, words=("delta",)) == ["1", "2"]
    store.put_many([Book(id="2", title="omega", shelf="b")])
    assert (found(store), found(store, scope="b", words=("ome",))) == (["1"], ["2"])
    with pytest.raises(Stale):
        store.save(book.but(title="stale"))
    assert found(store, words=("stale",)) == []
    store.remove(Book, ["1", "2", "3"])
    assert found(store) == found(store, scope="b") == found(store, words=("del",)) == []


def test_pages_do_not_overlap_and_say_what_follows(store):
    store.put_many(
        Book(id=f"{n:03d}", day=f"{n // 3:03d}", title=f"run_{n}", tags=("even",) if n % 2 == 0 else ())
        for n in range(60)
    )
    newest = [f"{n:03d}" for n in reversed(range(60))]
    for wanted, all in (
        (Query(scope="a"), newest),
        (Query(scope="a", words=("run_",)), newest),
        (Query(scope="a", words=("un",), terms=(("even",),)), newest[1::2]),
    ):
        for size in (7, 30, 60):
            for offset in range(0, 66, size):
                hits = store.search(Book, wanted, offset=offset, limit=size)
                assert [book.id for book in hits.items] == all[offset : offset + size]
                assert (hits.total, hits.exact, hits.more) == (len(all), True, offset + size < len(all))
        hits = store.search(Book, wanted, offset=0, limit=0, count=False)
        assert (hits.items, hits.total, hits.more) == ((), 0, True)


WORDS = ["al", "alp", "alpha", "beta", "ALPHA", "%", "_", "a%b", '"', "'", "a\"b'c", "OR", "AND NOT", "*",
         "ab*", "NEAR(a b)", "-x", "(", "^a", "\u017f", "İ", "straße", "STRASSE", "日本語", "é", "e\u0301",
         "😀😀😀", "\\", "a\x00b", "ß", "x" * 90, "#", "!", "$", "/", "?"]  # fmt: skip
titles = st.lists(st.sampled_from(WORDS), max_size=3).map("".join) | st.text(max_size=12)
tags = st.lists(st.sampled_from(["new", "old", "a#b", "a!b", "é", "x" * 190]), max_size=3, unique=True).map(
    tuple
)
books = st.lists(
    st.builds(
        Book,
        id=st.sampled_from("123456"),
        shelf=st.sampled_from("ab"),
        day=st.sampled_from(["1", "2", "10"]),
        title=titles.filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text)),
        author=st.sampled_from(["", "alpha", "io/alphabet"]),
        tags=tags,
    ),
    max_size=8,
)
searches = st.lists(
    st.builds(
        Query,
        scope=st.sampled_from("ab"),
        words=st.lists(
            (st.sampled_from(WORDS) | st.text(min_size=1, max_size=4)).map(folded).filter(bool), max_size=2
        ).map(tuple),
        terms=st.lists(tags, max_size=2).map(tuple),
        since=st.sampled_from(["", "", "10", "2"]),
        upto=st.sampled_from(["", "", "10", "1"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=books, gone=st.sampled_from("123456"), asked=searches, size=st.integers(1, 3))
def test_it_answers_as_a_filter_of_all_records_does(store, written, gone, asked, size):
    store.remove(Book, list("123456"))
    model: dict[str, Book] = {}
    for book in written:
        known = model.get(book.id)
        model[book.id] = store.save(book.but(generation=known.generation if known else 0))
    store.remove(Book, [gone])
    model.pop(gone, None)
    for query in asked:
        wanted = expected(model.values(), query)
        paged: list[str] = []
        while True:
            hits = store.search(Book, query, offset=len(paged), limit=size)
            assert hits.total == len(wanted)
            paged += [book.id for book in hits.items]
            assert hits.more == (len(paged) < len(wanted))
            if not hits.more:
                break
        assert paged == wanted, query


def test_more_postings_than_fit_one_transaction(store):
    many = tuple(f"tag{n}" for n in range(150))
    book = store.save(Book(id="1", title="a rather long title " * 4, tags=many))
    assert found(store, terms=(("tag149",), ("tag0",)), words=("rather",)) == ["1"]
    with pytest.raises(Stale):
        store.save(book.but(generation=7, tags=tuple(f"other{n}" for n in range(150))))
    hits = store.search(Book, Query(scope="a", terms=(("other3",),)), offset=0, limit=5)
    assert (hits.items, hits.total) == ((), 0)
    book = store.save(book.but(tags=("few",)))
    assert found(store, terms=(("tag149",),)) == []
    assert found(store, terms=(("few",),)) == ["1"]
    store.save(book.but(tags=many))
    store.remove(Book, ["1"])
    assert found(store) == found(store, terms=(("tag149",),)) == []


# What it costs.


@pytest.fixture
def calls(monkeypatch):
    """What goes over the wire, by operation, and the rows that come back under `rows`."""
    from azure.core.pipeline.transport import RequestsTransport
    from botocore.httpsession import URLLib3Session

    seen: Counter[str] = Counter()
    to_aws, to_azure = URLLib3Session.send, RequestsTransport.send

    def aws(self: Any, request: Any) -> Any:
        answer = to_aws(self, request)
        target = request.headers.get("X-Amz-Target", b"").decode().rpartition(".")[2]
        if target:
            seen[target] += 1
            seen["rows"] += len(json.loads(answer.content).get("Items", ()))
        return answer

    def azure(self: Any, request: Any, **how: Any) -> Any:
        answer = to_azure(self, request, **how)
        path = request.url.partition("?")[0]
        seen["Query" if path.endswith("()") else "Batch" if path.endswith("$batch") else "Entity"] += 1
        if path.endswith("()"):
            seen["rows"] += len(json.loads(answer.internal_response.content)["value"])
        return answer

    monkeypatch.setattr(URLLib3Session, "send", aws)
    monkeypatch.setattr(RequestsTransport, "send", azure)
    return seen


@pytest.fixture
def library(store):
    """Many books of one sort, and few of others."""
    if isinstance(store, SqliteStore):
        pytest.skip("its cost is its plan, below")
    number = 600
    store.put_many(
        Book(
            id=f"{n:05d}",
            day=f"{n:05d}",
            title=f"run_{'rare' if n % 200 == 7 else 'much'}",
            tags=("dense", "half" if n % 2 else "other", *(("sparse",) if n % 100 == 7 else ())),
        )
        for n in range(number)
    )
    return store


def test_a_page_reads_its_rarest_part_and_never_scans(library, calls):
    for wanted, ids, queries, rows in (
        ({}, 10, 1, 101),
        ({"words": ("run_",)}, 10, 2, 202),
        ({"words": ("rare",)}, 3, 2, 6),
        ({"words": ("rare",), "terms": (("dense",),)}, 3, 7, 520),
        ({"terms": (("sparse",), ("half",))}, 6, 8, 620),
        ({"terms": (("nothing",), ("dense",))}, 0, 1, 0),
        ({"since": "00598"}, 2, 1, 101),
        ({"upto": "00003"}, 4, 1, 4),
    ):
        calls.clear()
        hits = library.search(Book, Query(scope="a", **wanted), offset=0, limit=10, count=False)
        assert len(hits.items) == ids
        assert calls["Query"] <= queries, (wanted, calls)
        assert calls["rows"] <= rows, (wanted, calls)
        shown = 10 if isinstance(library, TablesStore) else 1
        assert set(calls) <= {"Query", "rows", "BatchGetItem", "Entity"}
        assert calls["BatchGetItem"] + calls["Entity"] <= shown


def test_counting_stops_and_says_so(library, calls, monkeypatch):
    from shared.stores import postings

    calls.clear()
    assert library.search(Book, Query(scope="a"), offset=0, limit=10).total == 600
    assert calls["Query"] <= 4, calls
    monkeypatch.setattr(postings, "COUNTING", 1)
    hits = library.search(Book, Query(scope="a"), offset=0, limit=10)
    assert (hits.exact, hits.more) == (False, True)
    assert 10 < hits.total < 600
    beyond = library.search(Book, Query(scope="a"), offset=590, limit=10)
    assert (beyond.total, beyond.exact) == (600, True)
    monkeypatch.setattr(postings, "READS", 0)
    with pytest.raises(Refused, match="longer word"):
        library.search(Book, Query(scope="a", words=("qq",)), offset=0, limit=10)


def test_a_save_writes_only_what_moved(library, calls):
    book = library.get(Book, "00001")
    calls.clear()
    book = library.save(book.but(author=book.title))
    assert sum(calls.values()) == 1, calls
    calls.clear()
    library.save(book.but(tags=("dense", "changed")))
    assert calls["TransactWriteItems"] + calls["Batch"] == 1
    assert found(library, terms=(("changed",),)) == ["00001"]


def test_sqlite_is_led_by_the_rarest_and_never_scans(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    store.put_many(
        Book(id=f"{n}", day=f"{n:05d}", title="much rare" if n % 500 == 7 else "much", tags=("dense",))
        for n in range(4000)
    )
    for wanted, leader in (
        ({}, "sought_in_order"),
        ({"words": ("much",)}, "sought_in_order"),
        ({"words": ("much", "rare")}, "sought_text"),
        ({"terms": (("dense",),)}, "from term d"),
        ({"terms": (("nothing",),), "words": ("much",)}, "from term d"),
    ):
        rows, values = sqlitesearch.matching(store.db, "book", Query(scope="a", **wanted), 1000)
        assert leader in rows
        plan = [row[3] for row in store.db.execute(f"explain query plan select 1 {rows}", values)]
        assert plan
        scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in step]
        assert scans in ([], ["SCAN m"]), plan


KILLED = """
import sys
from pathlib import Path
from tests.contracts.test_store_search import Book
from shared.stores.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    book = store.save(Book(id=f"{n}", title=f"first {n}", tags=("new",)))
    store.save(book.but(title=f"second {n}", tags=("old",)))
"""


def test_sqlite_is_found_by_what_it_is_after_sigkill(tmp_path):
    path = tmp_path / f"{uuid.uuid4().hex}.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    process.stdout.readline()
    store = SqliteStore(path)
    while len(found(store, limit=300)) < 200:
        pass
    process.kill()
    process.communicate()
    every = found(store, limit=100_000)
    by_title = {word: found(store, words=(word,), limit=100_000) for word in ("first", "second")}
    by_tag = {tag: found(store, terms=((tag,),), limit=100_000) for tag in ("new", "old")}
    assert sorted(by_title["first"] + by_title["second"]) == sorted(every)
    assert (by_tag["new"], by_tag["old"]) == (by_title["first"], by_title["second"])
    store.db.execute("insert into sought_text (sought_text) values ('integrity-check')")
