"""How long changes take. AWS publishes no figures: these are of the order that people report."""

TYPICAL: dict[tuple[str, str], float] = {
    ("compute-environment", "CREATING"): 20.0,
    ("compute-environment", "UPDATING"): 15.0,
    ("compute-environment", "DELETING"): 60.0,
    ("job-queue", "CREATING"): 10.0,
    ("job-queue", "UPDATING"): 5.0,
    ("job-queue", "DELETING"): 20.0,
}
"""(kind, what it does) -> seconds."""
