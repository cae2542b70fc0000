"""GET /workflow: the platform's search of runs, and stars."""

from urllib.parse import quote

import pytest

from shared.model.run import Run
from tests.unit.api.front import Front

DAY = 86_400.0
MAY = 1_777_593_600.0
"""2026-05-01, 00:00 UTC."""


@pytest.fixture
def runs(api: Front) -> list[str]:
    """Four runs of May 2026, the newest first."""
    labels = [api.post("/labels", {"name": name})["id"] for name in ("paper", "draft")]
    given = [
        ("grave_williams", "FAILED", "nf-core/sarek", "nf-core/sarek", (labels[0],)),
        ("happy_einstein", "SUCCEEDED", "nextflow-io/hello", "Hello World", (labels[0], labels[1])),
        ("happy_ptolemy", "SUCCEEDED", "nextflow-io/rnaseq-nf", "", ()),
        ("sad_curie", "RUNNING", "nextflow-io/rnaseq-nf", "", (labels[1],)),
    ]
    made = [
        Run(
            id=f"run{number}", name=name, status=status, owner="headnode" if number % 2 else "robot",
            session_id=f"{number}{number}d35eae-21ea-4294-bc92-85d35eae4294", label_ids=labels,
            workflow={"projectName": project, "manifest": {"name": manifest}},
            submitted_at=MAY + number * DAY, updated_at=MAY + number * DAY,
        )
        for number, (name, status, project, manifest, labels) in enumerate(given)
    ]  # fmt: skip
    api.world.store.put_many(made)
    return [run.id for run in reversed(made)]


def found(api: Front, search: str) -> list[str]:
    """The ids of a search, and that its total is theirs."""
    answer = api.get(f"/workflow?search={quote(search)}")
    assert answer["totalSize"] == len(answer["workflows"])
    assert answer["hasMore"] is False
    return [each["workflow"]["id"] for each in answer["workflows"]]


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("", "3210"),
        ("stein", "1"),
        ("HAPPY", "21"),
        ("happy rnaseq", "2"),
        ("*ptol*", "2"),
        ("happy*lemy", "2"),
        ("ppy_", "21"),
        ("hello", "1"),
        ("world", "1"),
        ("33d35", "3"),
        ("33d35eae-21ea-4294-bc92-85d35eae4294", "3"),
        ("a", "3210"),
        ("nothing", ""),
        ("status:succeeded", "21"),
        ("STATUS:Failed", "0"),
        ("status:succeeded, status:failed", ""),
        ("status:none", ""),
        ("username:robot", "20"),
        ("userName:rob", ""),
        ("runName:sad_curie", "3"),
        ("runName:sad", ""),
        ("projectName:nextflow-io/rnaseq-nf", "32"),
        ("projectName:rnaseq-nf", ""),
        ("workflowId:run2", "2"),
        ("workflowId:run", ""),
        ("sessionId:22d35eae-21ea-4294-bc92-85d35eae4294", "2"),
        ("sessionId:22d35eae", ""),
        ("label:paper", "10"),
        ("label:paper label:draft", "1"),
        ("label:PAPER sarek", "0"),
        ("label:unknown", ""),
        ("after:2026-05-03", "32"),
        ("before:2026-05-02", "10"),
        ("after:2026-05-02 before:2026-05-03", "21"),
        ("before:2026-5", "0"),
        ("before:2026", ""),
        ("after:2026 status:running", "3"),
        ("rnaseq username:headnode status:running after:2026-01-01", "3"),
        ("colour:red", ""),
        ("status:", ""),
        (":", ""),
        ("is:starred", ""),
    ],
)
def test_every_keyword_of_the_platform(api: Front, runs: list[str], search: str, ids: str) -> None:
    assert "".join(id[-1] for id in found(api, search)) == ids


@pytest.mark.parametrize(
    "search", ["after:yesterday", "before:2026-13", "after:2026-02-30", "after:0000-01-01"]
)
def test_a_date_that_is_none_is_named(api: Front, search: str) -> None:
    answer = api.call("GET", f"/workflow?search={quote(search)}")
    assert answer.status_code == 400
    assert "takes a date such as 2026-01-31" in answer.json()["message"]


@pytest.mark.parametrize(
    "search",
    [
        "\0", "a\0b", "%", "%%", "_", "'", '"', '""', "' or 1=1 --", '" OR "', "NEAR(a b)", "AND",
        "a AND NOT b", "(", "^a", "-a", "{text}: a", "*", "**", "\\", "\x1b[0m", "\u202e", "😀", "ﬀ",
        "\u0130\u017f", "e\u0301\u0301", "label:%", "label:'", "status:\0", "workflowId:\0",
        "runName:" + "x" * 900, "after:9999-12-31",
        "before:9999-12-31", "x" * 1000, "is:is:is", "::::", "\ud7ff", "\uffff", "𐀀𐀀𐀀",
    ],
)  # fmt: skip
def test_hostile_words_are_words(api: Front, runs: list[str], search: str) -> None:
    answer = api.get(f"/workflow?search={quote(search)}")
    assert answer["totalSize"] == len(answer["workflows"])
    alike = {"%", "'", '"', "(", "^a", "-a", "\\", "😀"}
    assert not (search in alike and answer["workflows"])


@pytest.mark.parametrize("search", ["x" * 10_240, "a " * 400, "word " * 5_000, "label:x " * 25])
def test_too_much_at_once_is_refused(api: Front, search: str) -> None:
    words = " ".join(f"{word}{number}" for number, word in enumerate(search.split()))
    answer = api.call("GET", f"/workflow?search={quote(words)}")
    assert answer.status_code == 400
    assert "search" in answer.json()["message"]


def test_unicode_has_no_case_either(api: Front) -> None:
    api.world.store.put_many(
        [
            Run(
                id="r1",
                name="x",
                session_id="s",
                workflow={"projectName": "Größe/ÜBER"},
                submitted_at=MAY,
                updated_at=MAY,
            )
        ]
    )
    for search in ("größe", "GRÖSSE", "über", "u\u0308ber", "projectName:GRÖSSE/über"):
        assert found(api, search) == ["r1"], search
    assert found(api, "uber") == []


def test_what_changes_is_found_as_it_is_now(api: Front) -> None:
    api.environment()
    run = api.launch(runName="first_run")
    assert found(api, "status:submitted first hello") == [run]
    api.finish(run)
    assert found(api, "status:submitted") == []
    assert found(api, "status:succeeded runName:first_run") == [run]
    label = api.post("/labels", {"name": "late"})["id"]
    api.post(
        "/workflow/labels/add",
        {"labelIds": [label], "workflowIds": [run]},
        204,
    )
    assert found(api, "label:late") == [run]
    api.delete(f"/workflow/{run}")
    assert found(api, "label:late") == found(api, "first") == []


def test_a_run_that_was_started_elsewhere_is_found_by_its_project(api: Front) -> None:
    created = api.post(
        "/trace/create",
        {
            "sessionId": "5aa95dd1-93c0-4c4d-8f1a-2d9d4dd40b5e",
            "runName": "boring_euler",
            "projectName": "a/pipe",
        },
    )
    assert found(api, "pipe boring") == [created["workflowId"]]


def test_nobody_finds_another_workspaces_runs(api: Front, runs: list[str]) -> None:
    for search in ("happy", "status:succeeded", "workflowId:run1", "a"):
        assert api.get(f"/workflow?workspaceId=1&search={search}")["workflows"] == []


def test_a_run_is_starred_found_and_unstarred(api: Front, runs: list[str]) -> None:
    path = "/workflow/run2/star"
    assert api.call("GET", path).status_code == 404
    assert api.post(path) == {"workflowId": "run2"}
    assert api.call("POST", path).status_code == 409
    assert api.get(path) == {"workflowId": "run2"}
    assert found(api, "is:starred") == ["run2"]
    assert [each["starred"] for each in api.get("/workflow")["workflows"]] == [False, True, False, False]
    assert api.delete(path, 200) == {"workflowId": "run2"}
    assert api.delete(path, 200) == {"workflowId": "run2"}
    assert found(api, "is:starred") == []
    assert api.call("POST", "/workflow/none/star").status_code == 404
    assert api.call("POST", f"{path}?workspaceId=1").status_code == 404
