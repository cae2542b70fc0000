"""docs/cli.md is what the program says of itself, and says something about everything."""

import re
from pathlib import Path

import pytest

from local.cli import fields, reference

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_the_program() -> None:
    """After a change: `.venv/bin/python -m local.cli.reference > docs/cli.md`."""
    assert (DOCS / "cli.md").read_text() == reference.page()


def test_every_command_and_option_is_explained() -> None:
    unexplained = [
        f"{path} {param.name}"
        for path, command in reference.commands()
        for param in command.params
        if param.name != "help" and not (param.help or "").strip()
    ]
    unexplained += [path for path, command in reference.commands() if not (command.help or "").strip()]
    assert unexplained == []


def test_every_command_speaks_json() -> None:
    dumb = [path for path, command in reference.commands() if not any("-o" in p.opts for p in command.params)]
    assert dumb == []
    assert len(list(reference.commands())) > 15


def guides_of(help: str, option: str) -> tuple[str, ...]:
    """The pages that have to explain an option."""
    if help.startswith("AWS:") or option not in {f"--{field.option}" for field in fields.FIELDS}:
        return ("aws-cloud",)
    return ("azure-cloud",) if help.startswith("Azure:") else ("aws-cloud", "azure-cloud")


def test_every_option_of_an_environment_is_in_its_guides() -> None:
    guides = {name: (DOCS / f"{name}.md").read_text() for name in ("aws-cloud", "azure-cloud")}
    options = {p.opts[-1]: p.help or "" for p in dict(reference.commands())["env create"].params}
    missing = [
        (option, guide)
        for option, help in options.items()
        for guide in guides_of(help, option)
        if option.startswith("--") and option != "--output" and option not in guides[guide]
    ]
    assert missing == []


PAGES = ["README.md", *(f"docs/{each.name}" for each in sorted(DOCS.glob("*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"(?:`|\$ )headnode ((?:[a-z]+ ?){1,2})", (DOCS.parent / page).read_text())
    known = {command for command, _ in reference.commands()}
    groups = {command.partition(" ")[0] for command in known}
    unknown = [
        words
        for words in map(str.strip, named)
        if words not in known | groups and words.partition(" ")[0] not in known
    ]
    assert unknown == []
