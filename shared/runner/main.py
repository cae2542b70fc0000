"""The entry point. However the work ends, the machine is switched off."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from shared.runner.boot import Boot, Places
from shared.runner.errors import RunnerError
from shared.runner.power import power_off
from shared.runner.session import Session
from shared.runner.watch import TERMINATED, Stop

FINISH_WITHIN = 1500.0
"""Seconds after the work was stopped by which the machine is switched off, whatever still hangs."""
LOOK_EVERY = 1.0
BEFORE_GUARD = 45.0
"""Seconds before the machine's own timer at which one that may remove itself does so; at most a twentieth of
the time that there was."""
REMOVED_WITHIN = 180.0
"""Seconds after its last word in which the control plane removes a machine whose cloud bills it also when
it is switched off. One that may remove itself does so then."""


def main(argv: list[str]) -> int:
    """Runs the machine's work. Returns only where the machine cannot be switched off."""
    parser = argparse.ArgumentParser(prog="runner", description="Runs one pipeline and powers off.")
    parser.add_argument("--boot", type=Path, required=True, help="boot.json, written by the user data")
    options = parser.parse_args(argv)
    stop = Stop()
    # The rest of the code is never interrupted by a signal: the handler only leaves a note.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.note(TERMINATED))
    pace = 1.0
    session: Session | None = None
    try:
        os.umask(0o077)
        pace = float(os.environ.get("HEADNODE_PACE", "1"))
        session = Session(Boot.read(options.boot), Places.of(), stop, pace)
        threading.Thread(target=last_resort, args=(stop, session), daemon=True).start()
        session.run()
    except RunnerError as error:
        print(f"headnode: {error}", file=sys.stderr, flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        if session is not None and session.cloud.removes_itself:
            time.sleep(REMOVED_WITHIN * pace)
            session.cloud.remove_machine()
        power_off()
    return 1


def last_resort(stop: Stop, session: Session) -> None:
    """Ends the machine when saving and reporting hang. One that may remove itself is also ended right
    before the timer of the user data would do it: a system that is off can remove nothing any more."""
    left = session.boot.deadline - time.time()
    guard = session.boot.deadline - min(BEFORE_GUARD, left / 20)
    hangs = float("inf")
    while time.monotonic() < hangs and not (session.cloud.removes_itself and time.time() > guard):
        time.sleep(LOOK_EVERY)
        if stop.asked.is_set():
            hangs = min(hangs, time.monotonic() + FINISH_WITHIN)
    session.cloud.remove_machine()
    power_off()
    os._exit(1)
