"""What the sweeps of all clouds share: records for every machine, and one sweep in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.ports import World
from shared.steps.sweep import scope


def swept(world: World, environment: Environment, count: int, known: Callable[[int], Run]) -> None:
    """Saves the record of each number, then sweeps once; prints its seconds, and the most memory that the
    process ever had (MB), the making of the records included."""
    for start in range(0, count, 1000):
        world.store.put_many(known(number) for number in range(start, min(count, start + 1000)))
    begin = time.perf_counter()
    scope(environment.id, world)
    seconds = time.perf_counter() - begin
    print(seconds, most_memory())


def in_a_child(module: str, url: str) -> tuple[float, float]:
    """Calls `sweep(url)` of a module in a process of its own; what it printed."""
    code = f"import sys; from {module} import sweep; sweep(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split()[-2:])
    return seconds, megabytes


def is_overdue(number: int, doomed: int, count: int) -> bool:
    """Whether the synthetic machine of that number is among the doomed, which are spread evenly."""
    return number * doomed // count != (number + 1) * doomed // count


def known(
    number: int, environment: Environment, now: float, machine_type: str, machine_id: str, overdue: bool
) -> Run:
    """The record of a machine: healthy, and overdue or not."""
    attempt = Attempt(
        number=1,
        state="alive",
        offer=Offer(machine_type=machine_type),
        machine_id=machine_id,
        deadline=now - 3600 if overdue else now + 86_400,
        placed_at=now - 600,
        seen_at=now,
    )
    return Run(
        id=f"{number:016d}",
        name=f"run-{number}",
        session_id="s",
        status="RUNNING",
        environment_id=environment.id,
        attempts=(attempt,),
    )


def most_memory() -> float:
    """MB. Not `getrusage`: its figure begins with that of the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
