"""/openapi.json and /docs: complete, standing alone, and paid for by those who ask."""

import json
import re
import subprocess
import sys

from jsonschema import Draft202012Validator

from tests.described import operations
from tests.unit.api.front import Front


def test_the_description_is_open_and_the_same_under_both_prefixes(api: Front) -> None:
    answer = api.call("GET", "/openapi.json", token="")
    assert answer.status_code == 200
    assert answer.content == api.call("GET", "/api/openapi.json", token="").content
    assert api.call("GET", "/api/docs", token="").text == api.call("GET", "/docs", token="").text


def test_every_operation_says_what_it_takes_and_answers(api: Front) -> None:
    found = api.get("/openapi.json")
    seen = set()
    for method, form in operations():
        one = found["paths"][form][method.lower()]
        seen.add(one["operationId"])
        assert one["summary"] and one["tags"], form
        named = {each["name"] for each in one["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", form)), form
        [success] = [status for status in one["responses"] if status in ("200", "204")][:1]
        assert success == "204" or one["responses"][success].get("content"), f"{method} {form}"
        for status, answer in one["responses"].items():
            if int(status) >= 400:
                assert answer["content"]["application/json"]["schema"], f"{form} {status}"
        opened = (
            form in ("/service-info", "/healthz", "/headnode/runner.pyz", "/oauth/access_token")
            or "/hooks/" in form
        )
        assert ("security" in one) != opened, form
    assert len(seen) == len(operations()) > 100


def test_bodies_are_what_the_operations_check(api: Front) -> None:
    found = api.get("/openapi.json")
    schemas = found["components"]["schemas"]
    body = found["paths"]["/compute-envs"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("/CreateComputeEnvRequest")
    assert schemas["ComputeEnvRequest"]["required"] == ["name", "platform", "config"]
    assert schemas["Workflow"]["properties"]["status"]["enum"] == [
        "SUBMITTED", "RUNNING", "UNKNOWN", "SUCCEEDED", "FAILED", "CANCELLED",
    ]  # fmt: skip
    assert schemas["TraceTaskRequest"]["properties"]["status"]["enum"][0] == "NEW"
    for path in ("/trace/{workflow_id}/progress", "/trace/{workflow_id}/begin"):
        assert "requestBody" in found["paths"][path]["put"]


INSISTED_ON = {
    "Workflow": ("id", "runName", "sessionId", "userName", "workDir", "status", "submit"),
    "Progress": ("workflowProgress", "processesProgress"),
    "Task": ("taskId", "status"),
    "ComputeEnv": ("id", "name", "platform", "status", "config"),
    "ComputeEnvEntry": ("id", "name", "platform", "status"),
    "Credentials": ("id", "name", "provider", "keys"),
    "Pipeline": ("pipelineId", "name"),
    "Launch": ("id", "pipeline"),
    "Log": ("entries", "truncated", "pending", "downloads"),
}
"""What clients fail without: absent or null is a crash there. Each answer of each test is held to it."""
COUNTED = (
    "pending", "submitted", "running", "succeeded", "failed", "cached", "memoryEfficiency", "cpuEfficiency",
    "cpus", "cpuTime", "cpuLoad", "memoryRss", "memoryReq", "readBytes", "writeBytes", "volCtxSwitch",
    "invCtxSwitch", "loadTasks", "loadCpus", "loadMemory", "peakTasks", "peakCpus", "peakMemory",
)  # fmt: skip


def test_what_clients_insist_on_is_always_there(api: Front) -> None:
    found = api.get("/openapi.json")
    schemas = found["components"]["schemas"]
    for name, fields in INSISTED_ON.items():
        assert set(fields) <= set(schemas[name]["required"]), name
    assert "discriminator" in schemas["ComputeEnv"]["properties"]["config"]["required"]
    assert "discriminator" in schemas["Credentials"]["properties"]["keys"]["required"]
    counters = schemas["Progress"]["properties"]["workflowProgress"]
    assert {*COUNTED, "executors"} <= set(counters["required"])

    def answered(path: str, *names: str) -> None:
        content = found["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert set(names) <= set(content["required"]), path

    answered("/pipelines", "pipelines", "totalSize")
    answered("/workflow", "workflows", "hasMore")
    answered("/workflow/{workflow_id}/tasks", "tasks", "total")
    answered("/workflow/{workflow_id}", "workflow", "progress")
    answered("/workflow/{workflow_id}/launch", "launch")


def test_enums_are_those_that_clients_know(api: Front) -> None:
    schemas = api.get("/openapi.json")["components"]["schemas"]

    def values(name: str, field: str) -> set[str]:
        return set(schemas[name]["properties"][field]["enum"])

    runs = {"SUBMITTED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN"}
    tasks = {"NEW", "SUBMITTED", "RUNNING", "CACHED", "COMPLETED", "FAILED", "ABORTED"}
    places = {"CREATING", "AVAILABLE", "DISABLED", "DELETING", "ERRORED", "INVALID", "DELETED"}
    assert values("Workflow", "status") == runs
    assert values("Task", "status") == tasks
    assert values("ComputeEnv", "status") == values("ComputeEnvEntry", "status") == places
    assert values("Credentials", "status") == {"AVAILABLE", "INVALID"}
    assert values("Credentials", "provider") <= {
        "aws", "azure", "azure_entra", "google", "github", "github_app", "gitlab", "bitbucket", "ssh", "k8s",
        "container-reg", "tw-agent", "codecommit", "gitea", "azurerepos", "seqeracompute", "azure-cloud",
        "s3",
    }  # fmt: skip


def test_every_schema_is_one_and_every_name_in_it_is_there(api: Front) -> None:
    found = api.get("/openapi.json")
    for schema in found["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))
    assert named <= found["components"]["schemas"].keys()
    assert not {"boot_secret", "sealed"} & set(re.findall(r'"(\w+)":', json.dumps(found)))


def test_the_page_needs_nothing_from_elsewhere(api: Front) -> None:
    answer = api.call("GET", "/docs", token="")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"<script|<link|<img|src=|https?://|\son\w+=", answer.text)
    for method, form in operations():
        assert f'<span class="m">{method}</span>{form}</code>' in answer.text
    targets = set(re.findall(r'href="#([\w-]+)"', answer.text))
    assert targets <= set(re.findall(r'id="([\w-]+)"', answer.text))


def test_no_start_pays_for_the_description() -> None:
    code = "import sys, shared.api.app; print([each for each in sys.modules if 'api.description' in each])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['shared.api.description', 'shared.api.description.served']"
