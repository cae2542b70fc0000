"""`headnode launch --show-config`."""

from typing import Any

from local.cli.screen import Screen


def show(screen: Screen, found: dict[str, Any]) -> None:
    """The settings as one Nextflow config, each with whose it is and what it replaces; what only Nextflow
    can tell the effect of is said apart, on stderr."""
    screen.data(found)
    lines = [(f"{each['name']} = {each['value']}", origin(each)) for each in found["settings"]]
    width = min(60, max((len(line) for line, _ in lines), default=0))
    for line, said in lines:
        screen.line(f"{line:<{width}}  // {said}")
    for each in found["unread"]:
        screen.say(f"{each['source']}: only Nextflow can tell what this does: {each['text']}")
    for each in found["faults"]:
        screen.say(f"such a launch fails: {each['field']}: {each['message']}")
    screen.say("each of these wins over the pipeline's own config")


def origin(setting: dict[str, Any]) -> str:
    """Whose a setting is, and what it replaces."""
    over = ", ".join(f"{each['value']} ({each['source']})" for each in setting["over"])
    return f"{setting['source']}, replaces {over}" if over else str(setting["source"])
