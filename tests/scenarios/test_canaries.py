"""A cloud's secrets in a whole life: in nothing that is stored, logged, answered, or told to the cloud."""

import asyncio
import logging
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from shared.api.app import build
from shared.api.auth import issue_token
from shared.steps import environments
from tests.scenarios.rig import last

SHOWN = ("/compute-envs", "/credentials", "/workflow", "/headnode/parked", "/user-info")


def call(rig: Any, method: str, path: str, token: str) -> httpx.Response:
    """One request of the API."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=build(rig.world), raise_app_exceptions=True)
        headers = {"authorization": f"Bearer {token}"}
        body = {"json": {}} if method == "POST" else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://control.test") as client:
            return await client.request(method, path, headers=headers, **body)

    answer = asyncio.run(go())
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer


def test_the_secrets_of_a_cloud_are_nowhere(rig, cloud, caplog: pytest.LogCaptureFixture):
    _, _, secret = cloud.credentials()
    canaries = [str(each) for each in secret.values()]
    assert all(len(each) >= 8 for each in canaries)
    ours = issue_token(rig.world, "canary")
    answers: list[str] = []
    with caplog.at_level(logging.DEBUG):
        environment = rig.environment()
        rig.drain(60)
        cloud.strike("launch", "throttle")
        run = rig.submit(environment)
        rig.drain(120)
        boot = rig.world.vault.open(last(rig.get_run(run)).boot_secret, f"boot/{run.id}/1")
        spec = call(rig, "POST", f"/headnode/machine/{run.id}/1/spec", boot).json()
        canaries += [boot, spec["token"], ours]
        rig.work(run)
        rig.drain(60)
        paths = (
            *SHOWN,
            *(f"/compute-envs/{environment.id}", f"/headnode/environments/{environment.id}"),
            *(f"/workflow/{run.id}", f"/headnode/runs/{run.id}", f"/workflow/{run.id}/log"),
            f"/credentials/{environment.credentials_id}",
        )
        answers += [call(rig, "GET", path, ours).text for path in paths]
        environments.dispose_environment(rig.world, rig.get_environment(environment))
        rig.drain(300)
        answers += [call(rig, "GET", f"/headnode/environments/{environment.id}", ours).text]
    assert rig.get_environment(environment).status == "DELETED"
    assert '"receipt"' in answers[-1]
    stored = b"".join(each.read_bytes() for each in rig.data.rglob("*") if each.is_file())
    told = str([asdict(each) for each in cloud.emulated.journal.entries()])
    assert environment.id in told
    # A machine is given its boot token, good for once; botocore repeats at DEBUG whatever it sends.
    own = "".join(each.getMessage() for each in caplog.records if not each.name.startswith("botocore"))
    for canary in canaries:
        assert canary not in "".join(answers)
        assert canary.encode() not in stored
        assert canary not in own
        if canary != boot:
            assert canary not in caplog.text
            assert canary not in told
