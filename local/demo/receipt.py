"""The end of the demo: what happened, what it cost in calls, and what is left."""

import json
from typing import Any

from local.cli.screen import Screen, span
from local.cli.watch import event_text
from local.demo.stage import EXAMPLE, Stage
from local.demo.story import Story


def of(stage: Stage, story: Story) -> dict[str, Any]:
    """The receipt. Looks into the cloud, so while it still stands."""
    found = story.environment.get("receipt") or {}
    return {
        "platform": stage.options.platform,
        "nextflow": {"kind": stage.engine.kind, "version": stage.engine.version} if stage.engine else None,
        "run": {"id": story.run_id, "status": story.run.get("status"), "machines": machines(story)},
        "timeline": timeline(story),
        "calls": stage.calls_by_step(),
        "made": list(found.get("made") or ()),
        "removed": list(found.get("removed") or ()),
        "kept": stage.place.kept() if stage.is_open else [],
        "left": [*leftovers(story), *(stage.place.leftovers() if stage.is_open else [])],
        "result": result(stage, story),
    }


def leftovers(story: Story) -> list[str]:
    """What the environment's own receipt says is left; an environment that is not gone is left itself."""
    if not story.environment_id:
        return []
    if story.environment.get("status") != "DELETED":
        return [f"environment {story.environment_id} ({story.environment.get('status')})"]
    return [f"{each['type']} {each['cloud_id']}" for each in story.environment["receipt"].get("left") or ()]


def machines(story: Story) -> list[dict[str, Any]]:
    """One entry for each machine that the run had."""
    return [
        {
            "id": attempt["machine_id"],
            "offer": attempt["offer"],
            "seconds": round(attempt.get("gone_at", 0.0) - attempt.get("placed_at", 0.0), 1),
            "interrupted": attempt.get("interrupted", False),
        }
        for attempt in story.run.get("attempts") or ()
        if attempt.get("machine_id")
    ]


def timeline(story: Story) -> list[dict[str, Any]]:
    """Every moment in order, with the seconds since the beginning and since the moment before."""
    moments = [(mark.at, mark.what) for mark in story.marks]
    moments += [(event["at"], f"run: {event_text(event)}") for event in story.run.get("timeline") or ()]
    moments.sort(key=lambda moment: moment[0])
    lines, before = [], story.began
    for at, what in moments:
        lines.append({"at": round(at - story.began, 2), "took": round(at - before, 2), "what": what})
        before = at
    return lines


def result(stage: Stage, story: Story) -> dict[str, Any]:
    """Whether the pipeline computed what it should. Your own pipeline is held against its own
    `expected.json` where it has one, else it only has to succeed."""
    path = (stage.options.pipeline or EXAMPLE) / "expected.json"
    succeeded = story.run.get("status") == "SUCCEEDED"
    if not path.is_file():
        return {"expected": None, "got": None, "right": succeeded}
    there = stage.place.result(story.run_id) if stage.is_open else None
    expected, got = json.loads(path.read_text()), there or story.summary()
    return {"expected": expected, "got": got, "right": succeeded and got == expected}


def show(found: dict[str, Any], screen: Screen) -> None:
    """Prints it."""
    screen.data(found)
    screen.line("\n== receipt ==")
    for moment in found["timeline"]:
        screen.line(f"  {span(moment['at']):>8}  (+{span(moment['took'])})  {moment['what']}")
    for step, calls in found["calls"].items():
        listed = ", ".join(f"{call} x{count}" if count > 1 else call for call, count in calls.items())
        screen.line(f"  calls by {step}: {listed}")
    for each in found["run"]["machines"]:
        taken = " (taken away)" if each["interrupted"] else ""
        kind = each["offer"].get("machine_type", "")
        screen.line(f"  machine {each['id'].rpartition('/')[2]} {kind} lived {span(each['seconds'])}{taken}")
    for title in ("made", "removed", "kept"):
        screen.line(f"{title}: {len(found[title])}")
        for thing in found[title]:
            screen.line(f"  {thing}")
    shown = found["result"]
    if found["run"]["status"] not in ("SUCCEEDED", "FAILED"):
        screen.line("result: none, the run did not come to its end")
    elif shown["expected"] is not None:
        verdict = "as expected" if shown["right"] else f"WRONG, expected {json.dumps(shown['expected'])}"
        screen.line(f"result: {json.dumps(shown['got'])} ({verdict})")
    else:
        screen.line(f"result: run {found['run']['status']}")
    screen.line(f"left: {len(found['left'])}")
    for thing in found["left"]:
        screen.line(f"  {thing}")
