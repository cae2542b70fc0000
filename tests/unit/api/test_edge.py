"""What surrounds every request: prefixes, sizes, and errors that nobody expected."""

import logging
from dataclasses import replace

import httpx
import pytest

from local.host import web
from shared.api.app import build
from shared.errors import NotYet, Stale, Throttled, Unreachable
from tests.unit.api.front import Front

CANARY = "canary-4711-secret"


class Broken:
    """A store whose every answer is an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error


def test_everything_is_served_at_the_root_and_under_api(api: Front) -> None:
    for path in ("/service-info", "/user-info", "/compute-envs", "/workflow", "/healthz", "/headnode/parked"):
        assert api.get(f"/api{path}") == api.get(path)
    assert api.call("GET", "/api/api/service-info").status_code == 404
    assert api.call("GET", "/apiservice-info").status_code == 404
    assert api.call("GET", "/api").status_code == 404


def test_unknown_paths_and_methods_are_told_in_the_same_shape(api: Front) -> None:
    assert api.call("GET", "/nothing").json()["message"] == "no such path: GET /nothing"
    answer = api.call("PATCH", "/compute-envs")
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert api.call("GET", "/compute-envs/").status_code == 404


def test_head_is_get_without_a_body(api: Front) -> None:
    for path in ("/workflow", "/service-info", "/nothing", "/workflow/nobody"):
        got, head = api.call("GET", path), api.call("HEAD", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"].isdigit()
    run = api.launch(api.environment())
    api.finish(run)
    api.cloud.files[f"nf-{run}.txt"] = b"hello"
    answer = api.call("HEAD", f"/workflow/{run}/download?fileName=nf-{run}.txt")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "5", b"")


def test_a_path_says_which_methods_it_has(api: Front) -> None:
    assert api.call("PATCH", "/compute-envs").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    for path, methods in {
        "/labels/1": "DELETE, OPTIONS, PUT",
        "/api/tokens": "GET, HEAD, OPTIONS, POST",
    }.items():
        answer = api.call("OPTIONS", path, token="", headers={"origin": "https://elsewhere.example"})
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, methods, b"")
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert api.call("OPTIONS", "/nothing", token="").status_code == 404


@pytest.mark.parametrize("error", [Throttled("slow down", 3), Unreachable("gone", 3), NotYet("soon", 3)])
def test_a_store_out_of_reach_is_a_503_and_never_another_4xx(api: Front, error: Exception) -> None:
    run = api.post("/trace/create", {"sessionId": "s", "runName": "r"})["workflowId"]
    broken = replace(api, world=replace(api.world, store=Broken(error)))
    for method, path in (
        ("GET", "/user-info"),
        ("GET", "/healthz"),
        ("GET", "/workflow"),
        ("POST", "/trace/create"),
        ("PUT", f"/trace/{run}/progress"),
        ("PUT", f"/trace/{run}/complete"),
        ("POST", f"/headnode/machine/{run}/1/report"),
    ):
        answer = broken.call(
            method, path, json={"workflow": {}, "event": "boot", "sessionId": "s", "runName": "r"}
        )
        assert answer.status_code == 503, path
        assert answer.headers["retry-after"] == "3"


class Racing:
    """A store where somebody else always wins."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.tries = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def save(self, record: object) -> object:
        self.tries += 1
        raise Stale("somebody was faster")


def test_a_lost_race_is_run_again_and_in_the_end_a_503(api: Front) -> None:
    run = api.post("/trace/create", {"sessionId": "s", "runName": "r"})["workflowId"]
    store = Racing(api.world.store)
    racing = replace(api, world=replace(api.world, store=store))
    assert racing.call("PUT", f"/trace/{run}/heartbeat", json={}).status_code == 503
    assert store.tries == 5


def test_an_unexpected_error_tells_nothing_but_a_number(api: Front, caplog: pytest.LogCaptureFixture) -> None:
    broken = replace(api, world=replace(api.world, store=Broken(RuntimeError(CANARY))))
    with caplog.at_level(logging.DEBUG):
        answer = broken.call("GET", "/service-info")
        assert answer.status_code == 200
        transport = httpx.ASGITransport(app=build(broken.world), raise_app_exceptions=True)
        answer = _get(transport, "/healthz")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("internal error ")
    assert CANARY not in answer.text + caplog.text
    number = answer.json()["message"].split()[2].rstrip(":")
    assert number in caplog.text
    assert "RuntimeError" in caplog.text


def _get(transport: httpx.ASGITransport, path: str) -> httpx.Response:
    import asyncio

    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get(path)

    return asyncio.run(go())


def test_huge_bodies_are_refused_before_they_are_read(api: Front) -> None:
    big = b'{"a": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    headers = {"content-type": "application/json"}
    for path in ("/compute-envs", "/api/credentials", "/workflow/launch"):
        answer = api.call("POST", path, content=big, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["message"] == "body: larger than 2 MiB"
    run = api.post("/trace/create", {"sessionId": "s", "runName": "r"})["workflowId"]
    assert api.call("PUT", f"/api/trace/{run}/heartbeat", content=big, headers=headers).status_code == 200
    assert api.call("PUT", f"/trace/{run}/heartbeat", content=big * 4, headers=headers).status_code == 413


def test_a_body_of_undeclared_length_is_cut_off_too(api: Front) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b" " * 100_000

    answer = api.call("POST", "/compute-envs", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_it_works_behind_a_real_server(api: Front) -> None:
    bound = web.bind("127.0.0.1", 0)
    server = web.Web(build(api.world), bound)
    server.start()
    try:
        with httpx.Client(
            base_url=web.url_of(bound), headers={"authorization": f"Bearer {api.token}"}
        ) as client:
            assert client.get("/api/user-info").json()["user"]["id"] == 1
            big = b"x" * (3 * 1024 * 1024)
            answer = client.post("/compute-envs", content=big, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["message"]) == (413, "body: larger than 2 MiB")
            assert client.get("/user-info", headers={"authorization": ""}).status_code == 401
    finally:
        server.stop()
