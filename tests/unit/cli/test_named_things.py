"""The commands for pipelines, actions, labels, tokens and workspaces, and environments as files, against a
real control plane whose environments are folders."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.headnode import Served, headnode, one_line, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("named")
    with serve(place / "data", HEADNODE_TOKEN="t") as running:
        made = running.headnode(
            "env", "create", "here", "--platform", "local", "--work-dir", str(place / "work")
        )
        assert made.code == 0, made.err
        yield running


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    """A pipeline of one line."""
    (tmp_path / "main.sh").write_text('echo "hello $greeting"\n')
    return str(tmp_path)


def said(served: Served, *words: str) -> str:
    answer = served.headnode(*words)
    assert answer.code == 0, answer.err
    return answer.out


def test_a_pipeline_is_added_found_launched_by_name_and_deleted(served: Served, pipeline: str) -> None:
    id = said(served, "pipelines", "add", "hello", pipeline, "--params", "greeting=you", "--label", "rna",
              "--main-script", "main.sh", "--env", "here").strip()  # fmt: skip
    [listed] = served.json("pipelines", "list", "--search", "label:rna")
    assert (str(listed["pipelineId"]), listed["computeEnv"]["name"]) == (id, "here")
    shown = said(served, "pipelines", "show", "hello")
    assert "rna" in shown
    assert '{"greeting": "you"}' in shown
    run = said(served, "launch", "hello", "--name", "by_name", "--label", "dna").strip()
    launched = served.json("runs", "show", run)["launch"]
    assert (launched["pipeline"], launched["mainScript"]) == (pipeline, "main.sh")
    assert len(launched["labelIds"]) == 1
    over = said(served, "launch", "hello", "--params", "greeting=me").strip()
    assert json.loads(served.json("runs", "show", over)["launch"]["paramsText"]) == {"greeting": "me"}
    assert (
        said(served, "pipelines", "update", "hello", "--params", "b=2", "--revision", "v2")
        == "hello changed\n"
    )
    shown = served.json("pipelines", "show", "hello")
    assert json.loads(shown["launch"]["paramsText"]) == {"greeting": "you", "b": 2}
    assert (shown["launch"]["revision"], [each["name"] for each in shown["labels"]]) == ("v2", ["rna"])
    again = served.headnode("pipelines", "add", "hello", pipeline)
    assert (again.code, one_line(again)) == (1, "pipeline hello already exists")
    said(served, "pipelines", "delete", "hello")
    gone = served.headnode("pipelines", "show", "hello")
    assert (gone.code, one_line(gone)) == (1, "no pipeline 'hello'")
    assert "no pipelines" in served.headnode("pipelines", "list").err


def test_tasks_are_listed_shown_and_their_logs_printed(served: Served, pipeline: str) -> None:
    run = said(served, "launch", pipeline, "--main-script", "main.sh", "--env", "here").strip()
    unit = "ab/" + "0" * 30
    record = served.json("runs", "show", run)
    folder = Path(record["work_dir"]) / unit
    folder.mkdir(parents=True)
    (folder / ".command.log").write_text("hello\nyou\n")
    (folder / ".command.sh").write_text("echo hello")
    told = {"taskId": 1, "status": "FAILED", "name": "GREET (1)", "exit": 3, "workdir": str(folder)}
    headers = {"authorization": f"Bearer {served.token}"}
    answer = httpx.put(f"{served.url}/trace/{run}/progress", json={"tasks": [told]}, headers=headers)
    assert answer.status_code == 200, answer.text
    [listed] = served.json("tasks", "list", run)
    assert (listed["taskId"], listed["exit"]) == (1, 3)
    assert "GREET (1)" in said(served, "tasks", "list", run, "--search", "failed")
    assert "FAILED" in said(served, "tasks", "show", run, "1")
    assert said(served, "tasks", "logs", run, "1") == "hello\nyou\n"
    assert said(served, "tasks", "logs", run, "1", "--file", "script") == "echo hello\n"
    missing = served.headnode("tasks", "logs", run, "1", "--file", "stderr")
    assert (missing.code, one_line(missing)) == (1, "file .command.err not found")
    assert one_line(served.headnode("tasks", "show", run, "9")) == "task 9 not found"


def test_an_action_is_added_tried_paused_renewed_and_deleted(served: Served, pipeline: str) -> None:
    usage = said(served, "actions", "add", "nightly", pipeline, "--params", "a=1", "--env", "here")
    assert usage.startswith("curl ")
    assert f"{served.url}/actions/" in usage
    run = said(served, "actions", "launch", "nightly", "--params", "b=2").strip()
    found = served.json("runs", "show", run)["launch"]
    assert json.loads(found["paramsText"]) == {"a": 1, "b": 2}
    assert said(served, "actions", "pause", "nightly") == "nightly is PAUSED\n"
    refused = served.headnode("actions", "launch", "nightly")
    assert (refused.code, one_line(refused)) == (1, "action nightly is PAUSED")
    assert one_line(served.headnode("actions", "pause", "nightly")) == "action nightly is PAUSED"
    assert said(served, "actions", "resume", "nightly") == "nightly is ACTIVE\n"
    assert said(served, "actions", "renew", "nightly") != usage
    assert f"event.workflowId  {run}" in said(served, "actions", "show", "nightly")
    assert "nightly" in said(served, "actions", "list")
    said(served, "actions", "delete", "nightly")
    assert served.json("actions", "list") == []


def test_an_action_on_a_push_prints_what_github_wants(served: Served) -> None:
    made = served.json("actions", "add", "pushed", "nextflow-io/hello", "--on", "push", "--revision", "main")
    assert made["hookUrl"] == f"{served.url}/headnode/hooks/github/{made['actionId']}"
    assert len(made["secret"]) == 64
    assert made["secret"] not in said(served, "actions", "show", "pushed")
    said(served, "actions", "delete", "pushed")
    assert served.headnode("actions", "add", "x", "a/b", "--on", "moon").code == 2


def test_labels_are_made_put_set_taken_and_deleted(served: Served, pipeline: str) -> None:
    run = said(served, "launch", pipeline, "--env", "here", "--main-script", "main.sh").strip()
    assert said(served, "labels", "put", "a", "cost=lab", "--run", run, "--env", "here") == "2 changed\n"
    [environment] = [each for each in served.json("env", "list") if each["name"] == "here"]
    assert [each["name"] for each in environment["labels"]] == ["a", "cost"]
    said(served, "labels", "set", "b", "--env", "here")
    said(served, "labels", "take", "b", "--env", "here")
    [environment] = [each for each in served.json("env", "list") if each["name"] == "here"]
    assert environment["labels"] == []
    assert "cost=lab" in said(served, "labels", "list", "--search", "cost")
    assert said(served, "labels", "add", "a").strip() in said(served, "labels", "list")
    said(served, "labels", "delete", "cost=lab")
    assert one_line(served.headnode("labels", "delete", "cost=lab")) == "no label 'cost=lab'"
    assert served.headnode("labels", "put", "a").code == 2
    assert one_line(served.headnode("labels", "put", "a", "--pipeline", "x")) == "no pipeline 'x'"


def test_a_token_is_printed_once_and_opens_what_yours_opens(served: Served) -> None:
    key = said(served, "tokens", "create", "laptop", "--expires", "30d").strip()
    assert headnode("tokens", "list", HEADNODE_URL=served.url, HEADNODE_TOKEN=key).code == 0
    assert key not in said(served, "tokens", "list")
    assert "laptop" in said(served, "tokens", "list")
    said(served, "tokens", "delete", "laptop")
    assert one_line(served.headnode("tokens", "delete", "laptop")) == "no token 'laptop'"
    assert served.headnode("tokens", "create", "x", "--expires", "soon").code == 2


def test_a_workspace_is_chosen_by_a_variable(served: Served, pipeline: str) -> None:
    [only] = served.json("workspaces", "list")
    assert (only["workspaceId"], only["workspaceName"]) == (1, "main")
    [member] = served.json("workspaces", "members")
    assert member["userName"] == "headnode"
    there = {"HEADNODE_WORKSPACE": "1"}
    assert served.headnode("env", "list", "-o", "json", **there).json == []
    assert [each["name"] for each in served.json("env", "list")] == ["here"]
    made = served.headnode("pipelines", "add", "there", pipeline, **there)
    assert made.code == 0, made.err
    assert served.json("pipelines", "list") == []
    assert "there" in served.headnode("pipelines", "list", **there).out
    assert "yes" in served.headnode("workspaces", "list", **there).out
    unknown = served.headnode("env", "list", HEADNODE_WORKSPACE="7")
    assert (unknown.code, one_line(unknown)) == (1, "workspace 7 not found")


def test_an_environment_goes_out_as_a_file_and_comes_back_the_same(served: Served, tmp_path: Path) -> None:
    script = "set -e\necho 'ready: #1'\n"
    (tmp_path / "pre.sh").write_text(script)
    work = str(tmp_path / "work")
    said(served, "env", "create", "one", "--platform", "local", "--work-dir", work, "--env", "A=b",
         "--pre-run", str(tmp_path / "pre.sh"))  # fmt: skip
    said(served, "labels", "put", "rna", "cost=lab", "--env", "one")
    file = tmp_path / "one.yaml"
    said(served, "env", "export", "one", "-f", str(file))
    read = yaml.safe_load(file.read_text())
    assert (read["name"], read["platform"], read["labels"]) == ("one", "local-platform", ["cost=lab", "rna"])
    assert read["config"]["preRunScript"] == script
    assert "    set -e\n" in file.read_text()  # a block, not one long line
    assert yaml.safe_load(said(served, "env", "export", "one")) == read
    assert one_line(served.headnode("env", "import", str(file))) == "compute environment one already exists"
    said(served, "env", "import", str(file), "--name", "two")
    assert served.json("env", "export", "two") == {**read, "name": "two"}
    said(served, "env", "create", "three", "-f", str(file))
    assert served.json("env", "export", "three") == {**read, "name": "three"}
    for name in ("one", "two", "three"):
        said(served, "env", "dispose", name)


def test_a_file_makes_an_environment_and_what_is_wrong_with_one_is_told_by_field(
    served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "env.yml"
    for config, told in (
        ({"workDir": "not-absolute"}, "workDir: must be the absolute path"),
        ({"environment": [{"name": "1X", "value": "y"}]}, "config.environment.0.name: "),
    ):
        file.write_text(yaml.safe_dump({"name": "filed", "platform": "local", "config": config}))
        wrong = served.headnode("env", "create", "-f", str(file))
        assert (wrong.code, told in one_line(wrong)) == (1, True), wrong.err
    config = {"workDir": str(tmp_path / "work"), "environment": [{"name": "X", "value": "y"}]}
    file.write_text(yaml.safe_dump({"name": "filed", "platform": "local", "config": config}))
    assert "filed is AVAILABLE" in said(served, "env", "create", "-f", str(file))
    assert served.json("env", "show", "filed")["config"]["environment"] == config["environment"]
