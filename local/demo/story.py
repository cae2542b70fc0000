"""The demo as a user sees it: every act goes through the HTTP API."""

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from local.cli import runs, watch
from local.cli.requests import with_registries
from local.cli.screen import Screen, span
from local.demo.stage import Stage
from shared.errors import HeadnodeError

CLEAN_UP_WITHIN = 40.0
"""Seconds for ending a run and an environment after an interruption; then everything is just killed."""


@dataclass
class Mark:
    """A moment of the story (epoch seconds)."""

    at: float
    what: str


@dataclass
class Story:
    """What happened, and the records as they were at the end."""

    stage: Stage
    screen: Screen
    began: float = field(default_factory=time.time)
    marks: list[Mark] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    environment_id: str = ""
    run_id: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    taken: bool = False
    """Whether the machine was taken away (spot)."""

    def say(self, text: str) -> None:
        """A line of the story: on stdout, unless that is for JSON."""
        print(text, file=sys.stderr if self.screen.json else sys.stdout, flush=True)

    def head(self, text: str) -> None:
        """The beginning of an act."""
        self.say(f"\n[{span(time.time() - self.began):>6}] {text}")

    def mark(self, what: str) -> None:
        """Notes a moment for the receipt."""
        self.marks.append(Mark(time.time(), what))

    def tell(self) -> None:
        """From an empty cloud to an empty cloud. Raises HeadnodeError when something goes wrong."""
        self.introduce()
        self.create()
        self.launch()
        self.follow()

    def introduce(self) -> None:
        """What this runs on."""
        stage = self.stage
        assert stage.engine is not None and stage.host is not None
        self.say(f"cloud          {stage.place.title}")
        self.say(f"control plane  {stage.host.url}")
        self.say(f"nextflow       {stage.engine.note}")
        self.mark("control plane and cloud are up")

    def create(self) -> None:
        """Credentials and an environment."""
        self.head("creating a compute environment")
        api, place = self.stage.api, self.stage.place
        made = [api.post("/credentials", {"credentials": each}) for each in place.credentials()]
        config = with_registries(api, place.config())
        body = {"name": "demo", "platform": place.platform, "config": config}
        if made:
            body["credentialsId"] = made[0]["credentialsId"]
        self.environment_id = api.post("/compute-envs", {"computeEnv": body})["computeEnvId"]
        self.mark("environment asked for")
        ends = ("AVAILABLE", "ERRORED", "INVALID")
        self.environment = watch.environment(api, self.environment_id, self, ends)
        status, why = self.environment["status"], self.environment.get("message", "")
        if status != "AVAILABLE":
            raise HeadnodeError(f"the environment is {status}: {why}")
        self.mark("environment is AVAILABLE")
        self.say(f"  environment {self.environment_id} is AVAILABLE")

    def launch(self) -> None:
        """The pipeline."""
        self.head(f"launching {self.stage.pipeline().name}")
        body = {
            "computeEnvId": self.environment_id,
            "pipeline": str(self.stage.pipeline()),
            "runName": "demo",
        }
        self.run_id = self.stage.api.post("/workflow/launch", {"launch": body})["workflowId"]
        self.mark("run launched")

    def follow(self) -> None:
        """The live log until the run is over and its machine is gone."""
        self.run = runs.tail(self.stage.api, self.run_id, self.line, lambda text: self.say(f"  {text}"))
        self.mark(f"run is {self.run['status']}")
        if self.run["status"] != "SUCCEEDED":
            why = self.run.get("error_message") or f"exit status {self.run.get('exit_status')}"
            raise HeadnodeError(f"the run {self.run['status']}: {why}")

    def line(self, text: str) -> None:
        """One line of the pipeline's log."""
        self.log.append(text)
        self.say(f"  | {text}")
        lines = sum(not line.startswith("headnode:") for line in self.log)
        if self.stage.options.spot_interruption and not self.taken and ("counted:" in text or lines > 20):
            self.taken = True
            self.mark("machine taken away (spot)")
            self.say(f"  -- the cloud takes {self.stage.place.interrupt()} away")

    def clean_up(self) -> None:
        """Ends what is under way and disposes of the environment, whatever happened before."""
        if self.stage.host is None or not self.stage.host.url or not self.environment_id:
            return
        until = time.monotonic() + CLEAN_UP_WITHIN
        if self.run_id and not self.run:
            self.cancel(until)
        self.head("disposing of the environment")
        self.stage.api.delete(f"/compute-envs/{self.environment_id}")
        self.environment = watch.environment(self.stage.api, self.environment_id, self, ("DELETED",), until)
        self.mark(f"environment is {self.environment['status']}")

    def cancel(self, until: float) -> None:
        """Stops the run and waits until its machine is gone."""
        self.say(f"cancelling run {self.run_id}")
        api = self.stage.api
        api.post(f"/workflow/{self.run_id}/cancel")
        for record in watch.looks(lambda: api.get(f"/headnode/runs/{self.run_id}")):
            if record["status"] in runs.OVER or time.monotonic() > until:
                self.run = record
                self.mark(f"run is {record['status']}")
                return

    def summary(self) -> Any:
        """The result that the example prints, read from its log; None when there is none."""
        text = "\n".join(self.log)
        _, found, rest = text.rpartition("summary: ")
        try:
            return json.JSONDecoder().raw_decode(rest)[0] if found else None
        except ValueError:
            return None
