"""The `headnode` command. Speaks to a control plane only through its HTTP API; imports nothing heavy
before a command needs it, so that `--help` is quick.
"""

import os
import sys

USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def main() -> None:
    """The console script: runs the command line and exits with its code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Runs one command line and returns its exit code: 0, 1 (it failed, one line on stderr says
    why), 2 (wrong usage) or 130 (Ctrl-C)."""
    from local.cli.app import app

    try:
        code = app(args, prog_name="headnode", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:
        return explained(error)
    return code if isinstance(code, int) else 0


def explained(error: BaseException) -> int:
    """Says in one line on stderr what went wrong; returns the exit code. HEADNODE_DEBUG=1 adds the
    traceback."""
    from typer import Abort

    if os.environ.get("HEADNODE_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, (KeyboardInterrupt, Abort)):
        print("headnode: interrupted", file=sys.stderr)
        return INTERRUPTED
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
        return USAGE
    print(f"headnode: {one_line(error)}", file=sys.stderr)
    # Typer's usage errors carry their code; which class they are depends on Typer's version.
    return int(getattr(error, "exit_code", 1))


def one_line(error: BaseException) -> str:
    """The error for a person."""
    from shared.errors import HeadnodeError

    if hasattr(error, "format_message"):
        text = error.format_message()
        context = getattr(error, "ctx", None)
        if context is not None:
            text = f"{text.rstrip('.')} (see {context.command_path} --help)"
    elif isinstance(error, HeadnodeError):
        text = str(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    else:
        text = f"unexpected {type(error).__name__}: {error}"
    return " ".join(text.split())
