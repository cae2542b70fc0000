"""docs/cli.md is what the program says of itself, and says something about everything."""

from pathlib import Path

from local.cli import reference

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


def test_every_option_of_an_environment_is_in_its_guide() -> None:
    guide = (DOCS / "aws-cloud.md").read_text()
    command = dict(reference.commands())["env create"]
    missing = [p.opts[-1] for p in command.params if p.opts[-1].startswith("--") and p.opts[-1] not in guide]
    assert missing == ["--output"] or missing == [], missing
