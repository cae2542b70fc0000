"""The azure scope of what people write, read without Groovy: faults where something is surely wrong, silence
where only Nextflow can tell."""

import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st

from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.given import form_faults, given, laid, literal, remarks, run_faults
from shared.nextflow.azure.options import SCOPES
from tests.unit.nextflow.azure.scopes import ACCOUNTS, IDENTITY, merged

DAY = 86400.0
PROGRAMS = ("params.x", '"${params.x}"', "{ task.cpus * 2 }", "x ? 1 : 2", "System.getenv('A')", "null")
RUN = Run(longest=7 * DAY, now=0.0)
POOL = "azure.batch.pools.auto"


def said(text: str, *profiles: str) -> list[str]:
    """All faults of a config that is laid over the platform's own, with an identity."""
    found = given(text, profiles)
    own = merged(IDENTITY, {"storage": {"accountName": "store", "tokenDuration": "7d"}})
    whole = laid(own, found.scope)
    return [str(each) for each in (*form_faults(found), *run_faults(found, whole, RUN))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"),
        ('"a"', "a"),
        (r"'it\'s'", "it's"),
        ("true", True),
        ("12", 12),
        ("0.25", 0.25),
        ("12.h", "12.h"),
        ("10.GB", "10.GB"),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert literal(text) == value


@pytest.mark.parametrize(
    "text",
    ['"${params.x}"', "params.x", "{ 4 * task.cpus }", "['a']", "4 + 4", "null", "'a' + 'b'", r"'a\n'", "-x"],
)
def test_what_is_no_literal_is_not_known(text: str) -> None:
    assert literal(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "azure.batch.autoPollMode = true",
            "azure.batch.autoPollMode: is no option; did you mean autoPoolMode?",
        ),
        (
            "azure { batch { pools { auto { vmTyp = 'x' } } } }",
            f"{POOL}.vmTyp: is no option; did you mean vmType?",
        ),
        (f"{POOL}.autoScale = 'true'", f"{POOL}.autoScale: 'true' is not true or false (without quotes)"),
        (
            "azure.batch.jobQuotaRetryDelay = 'soon'",
            "azure.batch.jobQuotaRetryDelay: 'soon' is no duration such as '48h' or '2 min'",
        ),
        (
            f"{POOL}.vmType = 'Standard_X1000_v9'",
            f"{POOL}.vmType: Standard_X1000_v9 is no size that Nextflow knows in westeurope",
        ),
        (
            f"{POOL}.vmType = 'Standard_Q*_v9'",
            f"{POOL}.vmType: Standard_Q*_v9 is no size that Nextflow knows in westeurope",
        ),
        (
            "plugins { id 'nf-azure' }\n"
            f"{POOL}.autoScale = true\n{POOL}.vmCount = 5\n{POOL}.maxVmCount = 4",
            f"{POOL}.maxVmCount: is less than vmCount",
        ),
        (
            "azure.storage.tokenDuration = 12.h",
            "azure.storage.tokenDuration: of 12h ends before a run of up to 7d does: every task after that"
            " would fail",
        ),
        (
            "azure.batch.jobMaxWallClockTime = '1 d'",
            "azure.batch.jobMaxWallClockTime: is shorter than the run may be",
        ),
    ],
)
def test_what_is_surely_wrong_is_a_fault(text: str, fault: str) -> None:
    assert fault in said(text)


def test_deleting_pools_that_were_there_is_a_fault() -> None:
    (found,) = said("azure.batch.deletePoolsOnCompletion = true")
    assert found.startswith("azure.batch.deletePoolsOnCompletion: deletes every pool that the run used")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "process.cpus = 4",
        "process { withName: 'A' { cpus = 8; machineType = 'Standard_E*d_v5' } }",
        "azure.batch.pools.auto.vmType = params.size",
        f'{POOL}.vmType = "Standard_${{params.size}}"',
        "azure.storage.tokenDuration = params.token",
        "if (params.big) { azure.storage.tokenDuration = '1h' }",
        f"{POOL}.maxVmCount = params.most\n{POOL}.autoScale = true\n{POOL}.vmCount = 50",
        f"{POOL}.vmCount = '4'",
        "azure.azcopy.blockSize = 8",
        "azure { batch.pools.auto { vmCount = 9 } }\nazure.batch.pools.auto.vmType = 'Standard_X1000_v9'",
        "azure.batch.somethingThatComesInTwoYears = true",
        "azure.batch.pools = [auto: [vmType: 'Standard_X']]",
        f"{POOL}.scaleInterval = 10.min\n{POOL}.autoScale = true",
        "profiles { other { azure.batch.autoPollMode = true } }",
        "includeConfig 'https://example.org/azure.config'",
        "azure.batch.location = params.place\n" + f"{POOL}.vmType = 'Standard_X1000_v9'",
    ],
)
def test_what_may_be_right_is_never_refused(text: str) -> None:
    assert said(text) == []


def test_a_profile_counts_where_it_is_chosen() -> None:
    text = "profiles { big { azure.batch.autoPollMode = true } }"
    assert said(text, "big") == ["azure.batch.autoPollMode: is no option; did you mean autoPoolMode?"]


def test_the_last_of_one_name_wins() -> None:
    assert said("azure.storage.tokenDuration = '1h'\nazure.storage.tokenDuration = '7d'") == []
    assert given("azure.storage.tokenDuration = params.x\nazure.storage.tokenDuration = '7d'").unread == ()


def test_what_people_should_know_is_said() -> None:
    text = "azure.batch.pools.auto.maxVmCount = 4\nazure.batch.somethingThatComesInTwoYears = true"
    found = given(text)
    assert remarks(found, "nextflowConfig", laid(ACCOUNTS, found.scope), RUN) == [
        "nextflowConfig: azure.batch.somethingThatComesInTwoYears: is no option known here",
        "nextflowConfig: azure.batch.pools.auto.maxVmCount: does nothing without autoScale = true",
    ]
    dynamic = given("azure.batch.location = params.x\nif (x) { azure.batch.location = 'y' }")
    assert remarks(dynamic, "c", laid(ACCOUNTS, dynamic.scope), RUN) == [
        "c: azure.batch.location: only Nextflow can tell its value",
        "c: a part that only Nextflow can read may set more",
    ]


def names() -> list[str]:
    """Every option of the table, with a name for what people name."""
    return [
        ".".join(filter(None, (scope.replace("<name>", "mine"), name)))
        for scope, options in SCOPES.items()
        for name in options
    ]


@given_by(
    st.lists(st.tuples(st.sampled_from(names()), st.sampled_from(PROGRAMS)), max_size=6),
    st.sampled_from(["", "process.cpus = 2\n", "def x = 1\n"]),
)
def test_what_only_nextflow_knows_is_never_refused(pairs: list[tuple[str, str]], before: str) -> None:
    assert said(before + "".join(f"azure.{name} = {value}\n" for name, value in pairs)) == []


@given_by(st.text(max_size=300))
def test_any_text_at_all_can_be_read(text: str) -> None:
    found = given(f"azure.{text}")
    assert isinstance(form_faults(found), list)
    assert isinstance(run_faults(found, laid(ACCOUNTS, found.scope), RUN), list)


def test_a_secret_is_not_shown() -> None:
    assert "s3cr et" not in str(said("azure.storage.accountKey = 's3cr et'"))
