"""Writes docs/cli.md from the command tree: `python -m local.cli.reference > docs/cli.md`."""

from collections.abc import Iterator
from typing import Any

INTRO = """# The command line

`headnode` does everything through a control plane's HTTP API, so it works the same against `headnode serve`
on this machine and against functions in a cloud. `serve`, `clouds`, `demo`, `package` and `version` do their
work right here.

| variable | what it says |
| --- | --- |
| `HEADNODE_URL` | where the control plane is; else `TOWER_API_ENDPOINT`; else `http://127.0.0.1:8080` |
| `HEADNODE_TOKEN` | the token; else `TOWER_ACCESS_TOKEN` |
| `NO_COLOR` | set: no colours on a terminal (elsewhere there never are any) |
| `HEADNODE_DEBUG` | `1`: a traceback before the line that says what went wrong |

Results go to stdout, messages and progress to stderr. `-o json` makes stdout exactly one JSON document. An
error is one line on stderr. Exit codes: 0, it worked; 1, it did not (also a followed run that did not
succeed); 2, wrong usage; 130, Ctrl-C. Ctrl-C ends the waiting and never the work: an environment goes on
being created, a run goes on running.

This page is made from the program itself (`python -m local.cli.reference`); a test holds the two together.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRO, *sections()]).rstrip() + "\n"


def sections() -> Iterator[str]:
    """One section for each command, in the order of `--help`."""
    for path, command in commands():
        yield f"## headnode {path}\n"
        yield f"{' '.join((command.help or '').split())}\n"
        yield f"    {usage(path, command)}\n"
        if rows := [row(param) for param in command.params if param.name != "help"]:
            yield "| | |\n| --- | --- |"
            yield "\n".join(rows) + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its words: `env create`."""
    import typer

    from local.cli.app import app

    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            for inner, leaf in command.commands.items():
                yield f"{name} {inner}", leaf
        else:
            yield name, command


def usage(path: str, command: Any) -> str:
    """The command's form in one line."""
    places = [placed(param) for param in command.params if param.param_type_name == "argument"]
    return " ".join(["headnode", path, "[OPTIONS]", *places])


def placed(param: Any) -> str:
    """An argument's place in the form."""
    word = param.metavar or param.name.upper()
    return word if param.required else f"[{word}]"


def row(param: Any) -> str:
    """One parameter as a line of a table."""
    if param.param_type_name == "argument":
        shown = f"`{placed(param)}`"
    else:
        flags = ", ".join([*param.opts, *param.secondary_opts])
        shown = f"`{flags}`" if getattr(param, "is_flag", False) else f"`{flags} {value(param)}`"
    words = " ".join((param.help or "").split()).replace("|", "\\|")
    return f"| {shown} | {words}{default(param)} |"


def default(param: Any) -> str:
    """The default, where there is a plain one that the help does not say already."""
    known = (
        param.default if isinstance(param.default, (int, str)) and not isinstance(param.default, bool) else ""
    )
    return f" Default: `{known}`." if known != "" and param.name != "output" else ""


def value(param: Any) -> str:
    """What an option's value is called."""
    return str(param.metavar or param.name.upper().replace("_", "-"))


if __name__ == "__main__":
    print(page(), end="")
