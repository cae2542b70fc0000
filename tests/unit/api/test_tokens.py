"""/tokens: shown once, kept hashed, listed without what they open with, gone at once."""

from shared.model.access import Token, token_id
from tests.unit.api.front import Front


def test_a_token_is_shown_once_works_and_is_kept_as_a_hash(api: Front) -> None:
    made = api.post("/tokens", {"name": "laptop"})
    key = made["accessKey"]
    assert made["token"]["name"] == "laptop"
    assert api.get("/user-info", token=key)["user"]["userName"] == "headnode"
    assert key not in str(api.get("/tokens"))
    kept = api.world.store.get(Token, token_id(key))
    assert kept is not None
    assert key not in str(kept)
    again = api.call("POST", "/tokens", json={"name": "laptop"})
    assert (again.status_code, again.json()["message"]) == (409, "token laptop already exists")


def test_tokens_say_when_they_were_used(api: Front) -> None:
    made = api.post("/tokens", {"name": "laptop"})

    def used() -> str | None:
        [found] = [each for each in api.get("/tokens")["tokens"] if each["name"] == "laptop"]
        assert found["id"] == made["token"]["id"]
        return str(found["lastUsed"]) if "lastUsed" in found else None

    assert used() is None
    api.clock.advance(3600)
    api.get("/user-info", token=made["accessKey"])
    assert used() == "2027-01-15T09:00:00Z"
    api.clock.advance(60)
    generation = api.world.store.get(Token, token_id(made["accessKey"])).generation  # type: ignore[union-attr]
    api.get("/user-info", token=made["accessKey"])
    # Not each request is a write.
    assert api.world.store.get(Token, token_id(made["accessKey"])).generation == generation  # type: ignore[union-attr]


def test_a_deleted_token_opens_nothing_and_does_not_come_back(api: Front) -> None:
    made = api.post("/tokens", {"name": "laptop"})
    api.delete(f"/tokens/{made['token']['id']}")
    assert api.call("GET", "/user-info", token=made["accessKey"]).status_code == 401
    assert api.call("DELETE", f"/tokens/{made['token']['id']}").status_code == 404
    assert [each["name"] for each in api.get("/tokens")["tokens"]] == ["test"]


def test_an_expired_token_opens_nothing_and_is_not_listed(api: Front) -> None:
    key = api.post("/tokens", {"name": "short", "expiresIn": 60})["accessKey"]
    assert api.call("GET", "/user-info", token=key).status_code == 200
    api.clock.advance(61)
    assert api.call("GET", "/user-info", token=key).status_code == 401
    assert [each["name"] for each in api.get("/tokens")["tokens"]] == ["test"]
    for wrong in (0, -1, 1e12):
        assert api.call("POST", "/tokens", json={"name": "x", "expiresIn": wrong}).status_code == 400


def test_delete_all_leaves_the_one_that_asks(api: Front) -> None:
    keys = [api.post("/tokens", {"name": f"t{number}"})["accessKey"] for number in range(3)]
    api.delete("/tokens/delete-all")
    assert [each["name"] for each in api.get("/tokens")["tokens"]] == ["test"]
    assert all(api.call("GET", "/user-info", token=key).status_code == 401 for key in keys)


def test_machines_tokens_are_neither_listed_nor_allowed(api: Front) -> None:
    api.environment()
    run = api.launch()
    token = api.run_token(run)
    assert [each["name"] for each in api.get("/tokens")["tokens"]] == ["test"]
    for method, path in (("GET", "/tokens"), ("POST", "/tokens"), ("DELETE", "/tokens/delete-all")):
        assert api.call(method, path, token=token, json={"name": "x"}).status_code == 403
