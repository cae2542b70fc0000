"""A secret that is given to us is never seen again: not in answers, not in records, not in logs."""

import logging

import pytest

from tests.unit.api.front import Front, env_body

CANARY = "canary0815secret"
SECRET_KEYS = {
    "aws": {"accessKey": f"{CANARY}1", "secretKey": f"{CANARY}2"},
    "azure-cloud": {
        **dict.fromkeys(("tenantId", "clientId", "subscriptionId"), "0b1f6471-1bf0-4dda-aec3-111122223333"),
        "clientSecret": f"{CANARY}3",
        "storageKey": f"{CANARY}4",
        "batchKey": f"{CANARY}5",
    },
    "github": {"password": f"{CANARY}6", "token": f"{CANARY}7"},
    "container-reg": {"userName": "me", "password": f"{CANARY}8"},
}


def test_canaries_in_credentials_and_tokens_are_nowhere(
    api: Front, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for provider, keys in SECRET_KEYS.items():
            body = {"credentials": {"name": provider, "provider": provider, "keys": keys}}
            made = api.call("POST", "/credentials", json=body)
            id = made.json()["credentialsId"]
            answers = [made, api.call("PUT", f"/credentials/{id}", json=body)]
            answers += [api.call("GET", path) for path in (f"/credentials/{id}", "/credentials")]
            # The same again, and everything that can be wrong with it.
            answers.append(api.call("POST", "/credentials", json=body))
            for wrong in (
                {"name": CANARY + " x"},
                {"provider": CANARY},
                {"keys": {CANARY: [CANARY]}},
                {"keys": CANARY},
            ):
                broken = {"credentials": {**body["credentials"], **wrong}}
                answers.append(api.call("POST", "/credentials", json=broken))
                assert answers[-1].status_code == 400
            seen += [answer.text for answer in answers if "keys" not in answer.text or CANARY in answer.text]
        seen.append(api.call("GET", "/user-info", token=f"{CANARY}token").text)
        seen.append(api.call("POST", "/compute-envs", json=env_body(preRunScript=[CANARY])).text)
        seen.append(
            api.call(
                "POST", "/workflow/launch", json={"launch": {"pipeline": "a/b", "paramsText": [CANARY]}}
            ).text
        )
        seen.append(api.call("POST", "/workflow/launch", content=f'{{"{CANARY}'.encode()).text)
    named = [text for text in seen if CANARY in text and f"keys: {CANARY}" not in text]
    assert named == []
    assert CANARY not in caplog.text
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY.encode() not in stored


def test_tokens_of_machines_are_nowhere_but_in_the_spec(
    api: Front, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        run = api.launch(api.environment())
        boot, token = api.boot_token(run), api.run_token(run)
        shown = [api.call("GET", f"/{path}/{run}").text for path in ("workflow", "headnode/runs")]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (boot, token, api.token):
        assert secret not in "".join(shown) + caplog.text
        assert secret.encode() not in stored


def test_what_we_hand_out_ourselves_is_kept_neither(
    api: Front, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    api.environment()
    launch = {"pipeline": "https://github.com/nextflow-io/hello"}
    with caplog.at_level(logging.DEBUG):
        key = api.post("/tokens", {"name": "laptop"})["accessKey"]
        hooked = api.post("/actions", {"name": "a", "source": "tower", "launch": launch})["actionId"]
        token = api.post(f"/headnode/actions/{hooked}/token")["token"]
        pushed = api.post("/actions", {"name": "b", "source": "github", "launch": launch})["actionId"]
        secret = api.post(f"/headnode/actions/{pushed}/secret")["secret"]
        run = api.post(f"/actions/{hooked}/launch", token=token)["workflowId"]
        api.call("POST", f"/headnode/hooks/github/{pushed}", token="", content=b"{}")
        paths = ("/tokens", "/actions", f"/actions/{hooked}", f"/actions/{pushed}", f"/headnode/runs/{run}")
        seen = [api.call("GET", path, token=key).text for path in paths]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for text in (key, token, secret):
        assert text not in "".join(seen)
        assert text not in caplog.text
        assert text.encode() not in stored
