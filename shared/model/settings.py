"""The figures that steer the steps, in one table. Only `wiring` reads them from the world outside."""

from shared.model.records import Model

VISIBILITY_FACTOR = 6
"""A queue hides a delivery for at least this many function time-outs (AWS's advice for SQS)."""


class Settings(Model, frozen=True, kw_only=True):
    """Seconds unless said otherwise."""

    installation: str
    """This installation's id: on every tag, so that two installations in one account never meet."""
    api_url: str = "http://127.0.0.1:8080"
    forge_prefix: str = "TowerForge"
    heartbeat: float = 20.0
    silent_after: float = 180.0
    """A runner that was alive and has not been heard for this long is taken as dead."""
    boot_within: float = 900.0
    """A machine whose runner never reported within this time is taken as failed to boot."""
    longest_run: float = 7 * 86400.0
    cancel_grace: float = 30.0
    """From a cancel to the machine's removal, for Nextflow to stop its tasks and ship its log."""
    look_again: float = 5.0
    """Between asking for a removal and looking whether it is gone."""
    orphan_grace: float = 120.0
    """A machine without a record is marked, and removed when still unknown after this long."""
    capacity_retry: float = 60.0
    capacity_wait: float = 6 * 3600.0
    """How long a run waits when no offer can be had anywhere, before it fails with the reasons."""
    max_resumes: int = 5
    """Machines a run may lose to the cloud before it fails (spot)."""
    max_tries: int = 20
    """Failed deliveries of a message, in a row, before a person must look."""
    most_removed: int = 500
    """Machines the reaper may remove in one sweep of one account (blast limit), finished work aside."""
    sweep_every: float = 60.0
    keep_deleted: float = 30 * 86400.0
