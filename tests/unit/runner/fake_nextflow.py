#!/usr/bin/env python3
"""Behaves like `nextflow run` as far as the runner can tell: task directories, a cache that `-resume`
needs, its own log, timeline and report, publishDir. `params.tasks` tasks; each takes `params.pause`."""

import json
import os
import sys
import time
from pathlib import Path

OPTIONS = (
    "-name",
    "-params-file",
    "-work-dir",
    "-resume",
    "-with-timeline",
    "-with-report",
    "-c",
    "-log",
    "-r",
)


def main() -> int:
    given = {word: sys.argv[at + 1] for at, word in enumerate(sys.argv[:-1]) if word in OPTIONS}
    params = json.loads(Path(given["-params-file"]).read_text())
    cache = Path(".nextflow/cache") / os.environ["NXF_UUID"] / "db"
    cache.mkdir(parents=True, exist_ok=True)
    known = (
        json.loads((cache / "tasks").read_text()) if "-resume" in given and (cache / "tasks").exists() else {}
    )
    print("arguments:", *sys.argv[1:], flush=True)
    status = 0
    for number in range(params["tasks"]):
        status = status or task(str(number), Path(given["-work-dir"]), known, params)
        (cache / "tasks").write_text(json.dumps(known))
    Path(given["-log"]).write_text("nextflow's own log\n")
    Path(given["-with-timeline"]).write_text("<html>timeline</html>")
    Path(given["-with-report"]).write_text("<html>report</html>")
    out = Path(params.get("outdir", "results"))
    out.mkdir(exist_ok=True)
    (out / "done.txt").write_text(" ".join(known))
    return status


def task(number: str, work: Path, known: dict, params: dict) -> int:
    folder = work / f"{int(number):02x}" / f"{int(number):030x}"
    output = folder / "out.txt"
    if number in known and output.exists() and output.stat().st_mtime_ns == known[number]:
        print(f"task {number}: cached, {output.read_text().strip()}", flush=True)
        return 0
    folder.mkdir(parents=True)
    (folder / ".command.run").write_text("#!/bin/sh\n")
    (folder / ".command.log").write_text(f"task {number} begins\n")
    print(f"task {number}: running", flush=True)
    time.sleep(params.get("pause", 0))
    output.write_text(f"made by {os.environ['WHO']}\n")
    os.utime(output, ns=(10**18, 10**18 + 123456789))
    (folder / "link").symlink_to(output)
    status = 1 if params.get("fail") == number else 0
    (folder / ".command.log").write_text(f"task {number} begins\n" + ("boom\n" if status else "well done\n"))
    (folder / ".exitcode").write_text(str(status))
    if not status:
        known[number] = output.stat().st_mtime_ns
    print(f"task {number}: made", flush=True)
    return status


sys.exit(main())
