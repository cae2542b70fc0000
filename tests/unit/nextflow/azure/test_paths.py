"""az:// paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.nextflow.azure.paths import AzPath, parse, unreachable, work_dir


@pytest.mark.parametrize(
    ("text", "container", "path"),
    [
        ("az://my-container/path/to/file.txt", "my-container", "path/to/file.txt"),
        ("az://abc", "abc", ""),
        ("az://abc/", "abc", ""),
        ("az://abc/work//", "abc", "work"),
        ("az://$root/a b", "$root", "a b"),
    ],
)
def test_paths(text, container, path):
    assert parse(text) == AzPath(container=container, path=path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://abc/d",
        "az:///abc",
        "az://ab/c",
        "az://ABC/d",
        "az://a--b/c",
        "az://-ab/c",
        "az://" + "a" * 64,
        "az://abc//d",
        "az://abc/../d",
        "az://abc/./d",
        "az://abc/a?sig=x",
        "az://abc/a\nb",
        "az://abc/" + "a" * 1025,
        "az://abc/" + "a/" * 255 + "b",
    ],
)
def test_what_is_none(text):
    with pytest.raises(Invalid):
        parse(text)


def test_a_work_directory_is_inside_a_container():
    assert work_dir("az://abc/work/") == AzPath(container="abc", path="work")
    with pytest.raises(Invalid, match="az://abc/work"):
        work_dir("az://abc")


def test_a_path_of_another_container_is_out_of_reach():
    work = work_dir("az://abc/work")
    assert [str(each) for each in unreachable(["az://abc/in", "az://def/in", "https://x"], work)] == [
        "params: az://def/in is in another container than the work directory (abc)"
    ]
    assert str(work / "a") == "az://abc/work/a"


@given(st.text(max_size=60).map(lambda text: f"az://abc/{text}") | st.text(max_size=60))
def test_what_is_read_is_written_the_same(text):
    try:
        found = parse(text)
    except Invalid:
        return
    assert parse(str(found)) == found
