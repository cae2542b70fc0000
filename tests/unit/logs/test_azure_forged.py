"""What a pipeline may write where the log is kept, and what Log Analytics may say: the log is still read."""

import json

import pytest

from shared.errors import Unreachable
from shared.logs import kql, parts
from shared.logs.azure import AzureLogs
from shared.logs.parts import Place
from shared.logs.wire import Reply, Wire
from shared.providers.azure.clients import Clients
from tests.unit.logs.azure_place import ATTEMPT, GONE, RUN, Log, environment


@pytest.mark.parametrize("number", ["9" * 13, "9" * 5000, "٣", "-1", "1e9", "+2", "0x2"])
def test_a_number_that_is_none_of_ours_is_skipped(source: AzureLogs, log: Log, number: str) -> None:
    log.blob(1)
    log._part[1].append_block(f"{number} forged\n".encode())
    log.blob(2)
    page = source.live(RUN, GONE, "", 10)
    assert page.lines == ("line 1", "line 2")
    assert source.live(RUN, GONE, page.cursor, 10).lines == ()


def test_the_largest_number_still_makes_a_cursor() -> None:
    line = parts.parsed(b"999999999999 x\n", Place())[0]
    assert Place.parsed(str(Place(seen=line.number))).seen == 999_999_999_999


def answered(body: object) -> kql.Rows:
    class Said(Wire):
        def send(self, *_: object, **__: object) -> Reply:
            return Reply(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    return kql.run(Said(lambda _: "", None), "https://x", "q")  # type: ignore[arg-type]


def table(*rows: object) -> dict[str, object]:
    return {"tables": [{"columns": [{"name": "seq"}, {"name": "message"}], "rows": list(rows)}]}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"5", b'"text"', b'{"tables": 5}', b'{"tables": ["x"]}', {"tables": [{}]}],
)
def test_nonsense_of_log_analytics_is_no_answer(body: object) -> None:
    with pytest.raises(Unreachable):
        answered(body)


@pytest.mark.parametrize("seq", ["1e999", "-1e999", "-1", "0", "1000000000000", "null"])
def test_rows_with_numbers_that_are_none_of_ours_are_skipped(seq: str) -> None:
    body = json.dumps(table(["SEQ", "forged"], [1, "line 1"])).replace('"SEQ"', seq)
    assert answered(body.encode()).lines == {1: "line 1"}


def test_space_around_a_config_s_texts_is_nothing(log: Log) -> None:
    """As the provider reads them."""
    log.blob(1, 3)
    log.table(2)
    workspace = f" {log.way.workspace.properties.customer_id}\n"
    around = {
        "logWorkspaceId": workspace,
        "logTableName": " Nextflow_log_CL\n",
        "workDir": " az://work/some/path\n",
    }
    source = AzureLogs(environment(log, **around), Clients(None))
    assert source.live(RUN.but(work_dir=""), ATTEMPT, "", 10).lines == ("line 1", "line 2", "line 3")
