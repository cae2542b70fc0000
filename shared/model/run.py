"""Runs: one launch of a pipeline, with one attempt for each machine it was given."""

from typing import Any, ClassVar

from shared.model import states
from shared.model.machine import Offer
from shared.model.records import Model, Record, Sought
from shared.model.search import folded, term
from shared.model.timeline import Event, Wait, extended


class Refusal(Model, frozen=True, kw_only=True):
    """An offer that could not be had: kept on the run, so that people see why it went elsewhere."""

    offer: Offer
    code: str
    reason: str
    at: float
    quota: bool = False
    """It was the account's own limit: the numbers in `reason` tell people what to ask for."""


class Attempt(Model, frozen=True, kw_only=True):
    """One machine of a run, from the intent to the cloud's word that it is gone. Times are epoch
    seconds (UTC), 0.0 where it has not happened."""

    number: int
    state: str = "intended"
    offer: Offer
    candidate: int = 0
    """Which ask of this attempt the offer is; part of the idempotency token."""
    boot_secret: str = ""
    """The one-run boot token, sealed; the same for every delivery, so that user data never differs."""
    machine_id: str = ""
    refusals: tuple[Refusal, ...] = ()
    asked_at: float = 0.0
    """While not 0.0, a worker is asking the cloud: others keep away for a while (`launch.LEASE`)."""
    deadline: float = 0.0
    created_at: float = 0.0
    placed_at: float = 0.0
    confirm_at: float = 0.0
    """When to look whether the cloud made what it accepted; 0.0 where that is known."""
    seen_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    missing_at: float = 0.0
    gone_at: float = 0.0
    exit_status: int | None = None
    end_reason: str = ""
    interrupted: bool = False
    log_kept: str = ""
    """Where the full log of this attempt lies after its end: `file`, `live`, or empty while unknown."""

    def to(self, state: str, **changes: Any) -> "Attempt":
        """This attempt in another state of `states.ATTEMPT`."""
        return self.but(state=states.step_to(states.ATTEMPT, self.state, state), **changes)

    @property
    def has_machine(self) -> bool:
        """Whether a machine may exist for it (also when the answer to the ask was lost)."""
        return self.state not in ("refused", "gone")


def submitted(at: float) -> str:
    """A time (epoch seconds, UTC) as runs are listed by it."""
    return f"{at:017.3f}"


class Run(Record, frozen=True, kw_only=True):
    """A workflow run. `launch` is the launch request's own body, kept losslessly; `workflow` is what
    Nextflow itself reported about the run. What it reports while it works is in `model.trace`."""

    kind: ClassVar[str] = "run"

    workspace_id: int = 0
    user_id: int = 1
    owner: str = ""
    environment_id: str = ""
    name: str
    session_id: str
    launch: dict[str, Any] = {}
    work_dir: str = ""
    status: str = "SUBMITTED"
    verdict: str = ""
    """The final status, once known; it becomes `status` when the machine is gone and the log is kept."""
    error_message: str = ""
    error_report: str = ""
    exit_status: int | None = None
    attempts: tuple[Attempt, ...] = ()
    cancel_at: float = 0.0
    """When somebody asked for it to be stopped (epoch seconds, UTC), or 0.0."""
    wait: Wait | None = None
    timeline: tuple[Event, ...] = ()
    deadline: float = 0.0
    workflow: dict[str, Any] = {}
    process_names: tuple[str, ...] = ()
    label_ids: tuple[int, ...] = ()
    starred_by: tuple[int, ...] = ()
    """Users who starred it."""
    tags: dict[str, str] = {}
    """Its and its environment's resource labels when it was submitted: what is asked for may not change
    between two asks."""
    submitted_at: float = 0.0
    started_at: float = 0.0
    completed_at: float = 0.0
    begun: int = 0
    """The attempt whose Nextflow was the last to begin."""
    traced_at: float = 0.0
    """When Nextflow last spoke of the run itself; of its tasks see `Trace.traced_at`."""
    updated_at: float = 0.0

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists by submission; `active` by environment while unfinished; `due` those that
        wait, by their next look; `machine` finds a run by its newest machine; `session` its resumes."""
        found = {
            "workspace": (str(self.workspace_id), submitted(self.submitted_at)),
            "session": (self.session_id, submitted(self.submitted_at)),
        }
        if not self.is_over:
            found["active"] = (self.environment_id or "none", self.id)
        if self.wait is not None:
            found["due"] = ("all", f"{self.wait.next_at:017.3f}")
        if self.last and self.last.machine_id:
            found["machine"] = (self.last.machine_id, self.id)
        return found

    def sought(self) -> Sought:
        """Found by parts of its name, project, manifest's name and the first group of its session's id, and
        by whole values: see `api.searching` for the fields."""
        manifest = self.workflow.get("manifest")
        named = str((manifest.get("name") if isinstance(manifest, dict) else "") or "")
        texts = (self.name, self.project, named, self.session_id.partition("-")[0])
        terms = (
            f"id:{self.id}",
            term("status", self.status),
            term("user", self.owner),
            term("name", self.name),
            term("project", self.project),
            term("session", self.session_id),
            *(f"label:{id}" for id in self.label_ids),
            *(f"star:{id}" for id in self.starred_by),
        )
        return Sought(
            scope=str(self.workspace_id),
            sort=submitted(self.submitted_at),
            terms=terms,
            texts=tuple(dict.fromkeys(filter(None, map(folded, texts)))),
        )

    @property
    def project(self) -> str:
        """What people call its pipeline: Nextflow's word, and until then the end of its address."""
        reported = self.workflow.get("projectName")
        if reported and isinstance(reported, str):
            return reported
        pipeline = str(self.launch.get("pipeline") or "")
        return pipeline.removesuffix(".git").rstrip("/").rpartition("github.com/")[2]

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def is_over(self) -> bool:
        """Whether its status is final."""
        return states.is_final(states.RUN, self.status)

    def with_attempt(self, attempt: Attempt) -> "Run":
        """This run with the attempt of that number replaced, or added as the newest."""
        kept = tuple(old for old in self.attempts if old.number != attempt.number)
        return self.but(attempts=(*kept, attempt))

    def to(self, status: str, now: float, detail: str = "", **changes: Any) -> "Run":
        """This run in another state of `states.RUN`, with the move on its timeline."""
        states.step_to(states.RUN, self.status, status)
        events = extended(self.timeline, Event(at=now, what=status, detail=detail))
        return self.but(status=status, updated_at=now, timeline=events, **changes)

    def noting(self, now: float, what: str, detail: str = "") -> "Run":
        """This run with one more event on its timeline."""
        return self.but(timeline=extended(self.timeline, Event(at=now, what=what, detail=detail)))
