"""Log records on their way in: roles, sizes and forms, by the real SDK where it can."""

import gzip
import json
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import ARM, Clients, token, vm_body
from tests.clock import FakeClock
from tests.unit.clouds.azure.monitoring import (
    MONITOR,
    NAME,
    STREAM,
    Way,
    assign,
    code,
    identity,
    make_endpoint,
    make_way,
    rule_body,
)
from tests.unit.clouds.azure.refusals import refused

MIB = 1024 * 1024
WRITE = "Microsoft.Insights/Telemetry/Write"


@pytest.fixture
def way(azure: EmulatedAzure, clients: Clients) -> Way:
    return make_way(azure, clients)


def test_an_identity_may_send_once_its_role_has_spread(azure_clock: FakeClock, way: Way):
    principal, bearer = identity(way)
    way.azure.timings.propagation = 600

    assert refused(way.send, {"seq": 1}, bearer=bearer) == (403, "OperationFailed")
    assert way.azure.judge.refusals[-1].action == WRITE
    assign(way, principal, way.rule.id)
    assert refused(way.send, {"seq": 1}, bearer=bearer) == (403, "OperationFailed")
    azure_clock.advance(600)
    way.send({"seq": 1}, bearer=bearer)
    assert way.ask(f"{NAME} | count") == [[1]]


def test_a_role_at_the_group_is_enough_and_one_of_another_rule_is_not(way: Way):
    principal, bearer = identity(way)
    other = way.clients.monitor.data_collection_rules.create(
        "rg", "other", rule_body(way.workspace.id, way.endpoint.id)
    )
    assign(way, principal, other.id)
    assert refused(way.send, {"seq": 1}, bearer=bearer) == (403, "OperationFailed")
    assign(way, principal, way.rule.id.partition("/providers/")[0])
    way.send({"seq": 1}, bearer=bearer)


def test_an_action_is_no_data_action(way: Way):
    way.azure.enforce("operator", {"actions": ["*"]})
    assert refused(way.send, {"seq": 1}) == (403, "OperationFailed")
    way.azure.enforce("operator", {"dataActions": [WRITE]})
    way.send({"seq": 1})


def test_tokens_are_for_monitor(way: Way):
    assert code(way.post(b"[]", bearer=token(way.azure, ARM))) == (401, "InvalidAuthenticationTokenAudience")
    assert way.post(b"[]", bearer=token(way.azure, "https://monitor.azure.com/")).status_code == 204


def test_unknown_rules_and_streams(way: Way):
    send = way.clients.ingestion(way.ingest).upload
    assert refused(send, "dcr-" + "0" * 32, STREAM, [{}]) == (404, "NotFound")
    assert refused(send, way.rule.immutable_id, "Custom-Other", [{}]) == (400, "InvalidStream")


def test_a_rule_is_for_its_own_endpoint(way: Way):
    other = make_endpoint(way.clients, "other")
    send = way.clients.ingestion(other.logs_ingestion.endpoint).upload
    assert refused(send, way.rule.immutable_id, STREAM, [{}]) == (403, "OperationFailed")

    body = rule_body(way.workspace.id, way.endpoint.id) | {"kind": "Direct"}
    direct = way.clients.monitor.data_collection_rules.create("rg", "direct", body)
    url = direct.endpoints.logs_ingestion
    way.clients.ingestion(url).upload(direct.immutable_id, STREAM, [{"seq": 3}])
    assert way.ask(f"{NAME} | project seq") == [[3]]


def test_bodies_may_be_packed(way: Way):
    body = json.dumps([{"seq": 1}]).encode()

    assert way.post(body).status_code == 204
    assert way.post(gzip.compress(body), Content_Encoding="gzip").status_code == 204
    for bad in (b"no gzip", gzip.compress(body)[:-9]):
        assert code(way.post(bad, Content_Encoding="gzip")) == (400, "InvalidPayload")
    assert code(way.post(body, Content_Encoding="br")) == (400, "InvalidPayload")
    assert way.ask(f"{NAME} | count") == [[2]]


def test_a_body_is_an_array_of_records(way: Way):
    for body in (b"", b"{", b"{}", b'"x"', b"[1]", b"[[]]", b"\xff"):
        assert code(way.post(body)) == (400, "InvalidPayload"), body


def test_only_json_of_the_version_that_is_known(way: Way):
    assert code(way.post(b"[]", Content_Type="text/plain")) == (415, "UnsupportedMediaType")
    assert code(way.post(b"[]", version="")) == (400, "MissingApiVersionParameter")
    assert code(way.post(b"[]", version="2021-11-01-preview")) == (501, "NotImplemented")


def test_a_call_takes_a_megabyte_packed_or_not(way: Way):
    def body(size: int) -> bytes:
        return b'[{"message":"%s"}]' % (b"x" * (size - len(b'[{"message":""}]')))

    assert way.post(body(MIB)).status_code == 204
    assert code(way.post(body(MIB + 1))) == (413, "ContentLengthLimitExceeded")
    assert way.post(gzip.compress(body(MIB)), Content_Encoding="gzip").status_code == 204
    bomb = gzip.compress(body(50 * MIB))
    assert code(way.post(bomb, Content_Encoding="gzip")) == (413, "ContentLengthLimitExceeded")


def test_the_sdk_splits_what_is_too_much_for_one_call(way: Way):
    way.send(*({"seq": number, "message": "x" * 50_000} for number in range(50)))

    assert way.azure.journal.totals()["ingestion:upload"] == 3
    assert way.ask(f"{NAME} | count") == [[50]]


def test_a_throttle_says_when_to_come_back(way: Way):
    way.azure.faults.add("ingestion", "upload", kind="throttle", seconds=3)

    with pytest.raises(HttpResponseError) as caught:
        way.send({"seq": 1})
    assert (caught.value.status_code, caught.value.response.headers["Retry-After"]) == (429, "3")
    way.send({"seq": 1})


def test_records_may_have_come_in_though_nobody_heard_it(way: Way):
    way.azure.faults.add("ingestion", "upload", kind="reset-after")

    with pytest.raises(httpx.TransportError):
        way.post(b'[{"seq": 1}]')
    way.send({"seq": 1})
    assert way.ask(f"{NAME} | count") == [[2]]


def test_a_machines_identity_sends_with_a_token_of_its_own(way: Way):
    principal, _ = identity(way)
    assign(way, principal, way.rule.id)
    body = vm_with(way)
    vm = way.clients.compute.virtual_machines.begin_create_or_update("rg", "vm", body).result()
    url = f"{way.azure.url}/imds/{vm.vm_id}/metadata/identity/oauth2/token"
    asked = {"api-version": "2018-02-01", "resource": MONITOR}
    bearer = httpx.get(url, params=asked, headers={"Metadata": "true"}).json()["access_token"]

    way.send({"seq": 1}, bearer=bearer)


def vm_with(way: Way) -> dict[str, Any]:
    id = (
        way.rule.id.partition("/providers/")[0]
        + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
    )
    body = vm_body(way.clients.subnet())
    return body | {"identity": {"type": "UserAssigned", "userAssignedIdentities": {id: {}}}}
