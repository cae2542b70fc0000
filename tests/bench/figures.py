"""How a benchmark says what it found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its budget. `unit` goes behind both numbers."""

    name: str
    found: float
    budget: float
    unit: str
    how: str = ""

    @property
    def within(self) -> bool:
        """Whether it keeps its budget."""
        return self.found <= self.budget

    def row(self) -> str:
        """A row of the table in docs/benchmarks.md."""
        mark = "yes" if self.within else "**no**"
        found, budget = f"{self.found:.3g} {self.unit}", f"{self.budget:g} {self.unit}"
        return f"| {self.name} | {found} | {budget} | {mark} | {self.how} |"


HEADER = "| what | found | budget | kept | how |\n| --- | --- | --- | --- | --- |"
