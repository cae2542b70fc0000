"""Nextflow configs as people write them, read as settings, and what wins when one is laid over another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.settings import merged, read

WRITTEN = """
// a comment with a 'quote
process {
    executor = 'slurm' /* not
    here */
    queue = "a b"; cpus = 2
    withName: 'ALIGN|SORT' {
        memory = { 8.GB * task.attempt }
    }
    withLabel:big { time = '1h' }
    resourceLimits = [
        cpus: 4,   // of them all
        memory: 8.GB
    ]
}
aws.batch.cliPath = '/opt/{bin}/aws'
params.text = '''two
lines // no comment'''
url = "http://example.org/a"
docker.enabled = params.x ?
    true : false
includeConfig 'more.config'
if (params.y) { env.A = 'x' }
profiles { test { process.cpus = 1 } }
"""


def test_what_people_write() -> None:
    assert list(read(WRITTEN)) == [
        ("process.executor", "'slurm'"),
        ("process.queue", '"a b"'),
        ("process.cpus", "2"),
        ("process.withName:'ALIGN|SORT'.memory", "{ 8.GB * task.attempt }"),
        ("process.withLabel:big.time", "'1h'"),
        ("process.resourceLimits", "[ cpus: 4, memory: 8.GB ]"),
        ("aws.batch.cliPath", "'/opt/{bin}/aws'"),
        ("params.text", "'''two lines // no comment'''"),
        ("url", '"http://example.org/a"'),
        ("docker.enabled", "params.x ? true : false"),
        ("", "includeConfig 'more.config'"),
        ("", "if (params.y) { env.A = 'x' }"),
        ("profiles.test.process.cpus", "1"),
    ]


def test_the_last_one_wins_and_what_it_replaces_is_kept() -> None:
    found = merged(
        [
            ("environment", "process { queue = 'mine' }\ncleanup = true"),
            ("headnode", "process.queue = 'work'"),
            ("launch", "process.queue = 'fast'\nincludeConfig 'x'"),
        ]
    )
    assert [(each.name, each.value, each.source) for each in found.settings] == [
        ("cleanup", "true", "environment"),
        ("process.queue", "'fast'", "launch"),
    ]
    assert found.settings[1].over == (("headnode", "'work'"), ("environment", "'mine'"))
    assert found.unread == (("launch", "includeConfig 'x'"),)


@pytest.mark.parametrize(
    "text", ["", "}", "}}}} a = 1", "a {", "'''", "a = ", "=", "/*", "a = [1", "\x00", "a == b"]
)
def test_nonsense_is_no_error(text: str) -> None:
    assert merged([("launch", text)])


@given(st.text(alphabet="ab={}[]'\"/*\n;. :", max_size=60))
def test_any_text_is_read_in_bounded_time(text: str) -> None:
    list(read(text))


def test_a_large_text_is_read_at_once() -> None:
    assert len(list(read("a.b = 'x'\n" * 20_000))) == 20_000
    list(read("{" * 100_000))
    list(read("'" * 100_000 + "/" * 100_000))
