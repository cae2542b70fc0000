"""Pools that are scaled by a formula: when it is evaluated, and what follows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.clouds.azure.batch import allocation, errors, metrics, spans
from local.clouds.azure.batch.formula import grammar
from local.clouds.azure.batch.formula.evaluating import PERIOD, WRITABLE, evaluate
from local.clouds.azure.batch.formula.values import FormulaError, Value, number, shown
from local.clouds.azure.batch.models import KINDS, Account, Body, Pool

if TYPE_CHECKING:
    from local.clouds.azure.state import State

SHORTEST, LONGEST, USUAL = 300.0, 168 * 3600.0, 900.0
"""Seconds between evaluations."""
MOST, LAST = 100, 20
"""Evaluations that nobody looked at: of more than MOST only the LAST are made, which is enough for Nextflow's
formula to halve any pool to nothing."""


@dataclass(frozen=True)
class Samples:
    """A pool's metrics as a formula sees them: one sample in thirty seconds."""

    pool: Pool
    now: float

    def has(self, name: str) -> bool:
        """Whether there is a metric of that name."""
        return name in self.pool.samples

    def last(self, name: str, count: int) -> list[float]:
        """The last samples, the oldest first."""
        return self._at(name, range(max(0, self._newest - count + 1), self._newest + 1))

    def within(self, name: str, seconds: float) -> list[float]:
        """The samples of the last seconds, the oldest first."""
        return self.last(name, int(seconds // PERIOD))

    @property
    def _newest(self) -> int:
        return int((self.now - self.pool.made_at) // PERIOD)

    def _at(self, name: str, numbers: range) -> list[float]:
        found = (metrics.at(self.pool, name, self.pool.made_at + PERIOD * each) for each in numbers)
        return [each for each in found if each is not None]


def check(body: Body) -> None:
    """Raises Refused for settings that could not be."""
    formula = body.get("autoScaleFormula")
    if not formula:
        raise errors.missing("autoScaleFormula")
    check_formula(str(formula))
    interval(body)


def check_formula(text: str) -> None:
    """Raises Refused for a formula that can not be read."""
    try:
        grammar.read(text)
    except FormulaError as error:
        raise errors.bad_formula(str(error)) from None


def interval(body: Body) -> float:
    """Seconds between evaluations. Raises Refused."""
    text = body.get("autoScaleEvaluationInterval")
    if not text:
        return USUAL
    try:
        found = spans.seconds(str(text))
    except ValueError:
        raise errors.invalid("autoScaleEvaluationInterval", text, "It is no duration.") from None
    if not SHORTEST <= found <= LONGEST:
        why = "The interval is between 5 minutes and 168 hours."
        raise errors.invalid("autoScaleEvaluationInterval", text, why)
    return found


def enable(state: "State", account: Account, pool: Pool, at: float) -> None:
    """From now on the formula decides, at once and with every interval."""
    pool.enabled_at = at
    pool.schedule += 1
    _plan(state, account, pool, pool.schedule, at)


def _plan(state: "State", account: Account, pool: Pool, number: int, at: float) -> None:
    def due() -> None:
        gone = account.pools.get(pool.id.lower()) is not pool or state.store.get(account.home) is None
        if not gone and pool.scales and pool.schedule == number:
            run(state, account, pool, at)
            _plan(state, account, pool, number, at + interval(pool.body) * (1 + skipped(state, pool, at)))

    state.agenda.at(at, due)


def skipped(state: "State", pool: Pool, at: float) -> int:
    """Evaluations after `at` that are left out: a test's clock may have gone on by a year."""
    missed = int((state.now - at) // interval(pool.body))
    return missed - LAST if missed > MOST else 0


def run(state: "State", account: Account, pool: Pool, at: float) -> None:
    """Evaluates a pool's formula and goes by what it says; a formula that fails changes nothing."""
    pool.run, found = evaluated(pool, str(pool.body["autoScaleFormula"]), at)
    if found is None:
        return
    wanted = {kind: max(0, int(number(found[name]))) for kind, name in zip(KINDS, WRITABLE, strict=False)}
    if wanted == pool.targets and pool.allocation.name == "resizing":
        return
    if wanted != pool.targets or any(wanted[kind] != len(pool.of(kind)) for kind in KINDS):
        allocation.resize(state, account, pool, wanted, str(found[WRITABLE[2]]), at)


def evaluated(pool: Pool, formula: str, at: float) -> tuple[Body, dict[str, Value] | None]:
    """What an evaluation shows, and the variables where it succeeds."""
    targets: dict[str, Value] = {
        name: float(pool.targets[kind]) for kind, name in zip(KINDS, WRITABLE, strict=False)
    }
    shows: Body = {"timestamp": spans.stamp(at)}
    try:
        found = evaluate(formula, at, Samples(pool, at), {**targets, WRITABLE[2]: "requeue"})
        if found[WRITABLE[2]] not in allocation.OPTIONS:
            raise FormulaError(f"$NodeDeallocationOption can not be {shown(found[WRITABLE[2]])}")
    except FormulaError as error:
        said = {"code": "AutoScalingFormulaEvaluationError", "message": str(error), "values": []}
        return {**shows, "error": said}, None
    return {**shows, "results": ";".join(f"{name}={shown(value)}" for name, value in found.items())}, found
