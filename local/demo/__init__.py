"""`headnode demo`: everything once, for real, on this machine, and a receipt at the end."""

import logging
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from local.cli.screen import Screen
from local.demo import processes, receipt, remains
from local.demo.stage import Stage
from local.demo.story import Story
from shared.errors import HeadnodeError, Refused

SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130
ENDS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Options:
    """What the demo was asked for. `platform`: aws-cloud, aws-batch, azure-batch, azure-cloud or local;
    `engine`: auto, nextflow or script."""

    platform: str = "aws-cloud"
    pipeline: Path | None = None
    engine: str = "auto"
    keep: bool = False
    spot_interruption: bool = False
    option: int = 1
    """Of Azure Batch: which of `infra/examples/azure-batch`."""


def run(options: Options, screen: Screen) -> int:
    """Runs the demo and returns its exit code: 0 only when the result is right and nothing is left.
    Ctrl-C and SIGTERM end it early and leave nothing either (130)."""
    check(options)
    for dead in remains.clear():
        screen.say(f"removed what a killed demo had left: {dead}")
    # An interruption waits until there is somebody to clean up.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    directory, lock = remains.directory()
    before = {number: signal.signal(number, interrupt) for number in ENDS}
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        # A server's own log is no part of the story; it is kept with --keep.
        logging.basicConfig(filename=directory / "headnode.log", level=logging.INFO, force=True)
        return staged(options, screen, directory)
    finally:
        if options.keep:
            remains.keep(lock)
            screen.say(f"kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
            lock.free()
        for number, action in before.items():
            signal.signal(number, action)


def check(options: Options) -> None:
    """Raises Refused for what cannot be shown."""
    if options.spot_interruption and options.platform in ("aws-batch", "azure-batch"):
        raise Refused("--spot-interruption: a head job is never on Spot")
    if options.option != 1 and options.platform != "azure-batch":
        raise Refused("--option is for azure-batch")
    if options.spot_interruption and options.platform == "local":
        raise Refused("--spot-interruption needs a cloud: nobody takes a local machine away")
    if options.pipeline is not None and not options.pipeline.is_dir():
        raise Refused(f"--pipeline {options.pipeline} is no folder")


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM is treated as Ctrl-C."""
    raise KeyboardInterrupt


def staged(options: Options, screen: Screen, directory: Path) -> int:
    """The demo inside its directory, which nothing outlives."""
    stage = Stage(options, directory)
    story = Story(stage, screen)
    code = SUCCESS
    try:
        story.say("setting the stage (the very first time, a Nextflow is looked for and fetched)")
        stage.start()
        story.tell()
    except KeyboardInterrupt:
        story.say("interrupted: cleaning up")
        code = INTERRUPTED
    except HeadnodeError as error:
        story.say(f"it went wrong: {error}")
        code = FAILURE
    try:
        found = ended(story, stage)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        stage.stop()
    receipt.show(found, screen)
    return code or (SUCCESS if is_good(found) else FAILURE)


def ended(story: Story, stage: Stage) -> dict[str, Any]:
    """Cleans up and looks at what is left, while the cloud still stands."""
    try:
        story.clean_up()
    except HeadnodeError as error:
        story.say(f"cleaning up went wrong: {error}")
    found = receipt.of(stage, story)
    alive = [f"process {pid}" for pid in processes.running_in(stage.directory)]
    return {**found, "left": [*found["left"], *alive]}


def is_good(found: dict[str, Any]) -> bool:
    """Whether a receipt says that all went as it should."""
    return bool(found["result"]["right"]) and not found["left"]
