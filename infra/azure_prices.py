"""Writes what Azure asks for its VM sizes, from the table that Microsoft's own scheduler for AKS ships:

    curl -LO https://raw.githubusercontent.com/Azure/karpenter-provider-azure/main/pkg/providers/pricing/zz_generated.pricing.go
    python -m infra.azure_prices zz_generated.pricing.go

The table is a dated copy of the public price list (prices.azure.com) of pay-as-you-go VMs, by region. In some
places it holds the price with a Windows licence in place of Linux's: two products have the same size there,
and the one that was read last has won. Those are mended, and what then still makes no sense is left out. The
same table gives the same bytes."""

import json
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from infra.sources import ROOT
from shared.errors import Fault, Invalid

SIZES = ROOT / "shared" / "nextflow" / "azure" / "sizes.json"
PRICES = ROOT / "shared" / "nextflow" / "azure" / "prices.json"
SOURCE = (
    "Made by `python -m infra.azure_prices`, not to be edited by hand, of pkg/providers/pricing/"
    "zz_generated.pricing.go in https://github.com/Azure/karpenter-provider-azure: Azure's public price list"
    " (prices.azure.com), pay as you go, Linux."
)
NOTE = (
    "regions: for each size of the region's list in sizes.json, in its order, what a vCPU costs for an hour"
    " in units of 0.00001 US dollars, to within a third of a percent; 0 where it is not known; 4800*7 is"
    " seven times 4800."
)
LICENCE = 0.046
"""US dollars for a vCPU and hour: what Windows costs on top."""
SLACK = 0.0008
ALIKE = 0.003
"""Sizes whose prices for a vCPU differ by less share one figure."""
UNIT = 1e-5
SENSE = (0.55, 1.6)
"""What a series costs here, over what it should by East US's price and this region's level: AMD and Arm cost
0.6 in central India; what is outside is not believed."""
Prices = dict[str, dict[str, float]]
"""Region -> size in lower case -> US dollars for a vCPU and hour."""


def read(table: str) -> tuple[str, Prices]:
    """The table's day, and the prices of whole machines. Raises Invalid for another kind of text."""
    day = re.search(r"generated at (\d{4}-\d\d-\d\d)T", table)
    found: Prices = {}
    inside: dict[str, float] = {}
    for line in table.splitlines():
        if region := re.match(r'\s*initialOnDemandPrices\["(\w+)"\] = ', line):
            inside = found.setdefault(region[1], {})
        elif (price := re.match(r'\s*"([\w-]+)":\s+([\d.]+),', line)) and float(price[2]):
            inside[price[1].lower()] = float(price[2])
    if day is None or not found:
        raise Invalid(Fault("table", "is not the scheduler's table of prices"))
    return day[1], found


def series_of(name: str) -> str:
    """What sizes of one price for a vCPU have in common: the name without its number of vCPUs."""
    return re.sub(r"\d+(-\d+)?", "", name, count=1)


def mended(prices: Mapping[str, float]) -> dict[str, float]:
    """A region's prices for a vCPU, none of them with a licence, as far as a size of the series shows it."""
    least: dict[str, float] = {}
    for name, usd in prices.items():
        least[series_of(name)] = min(usd, least.get(series_of(name), usd))
    return {
        name: least[series_of(name)]
        if abs(usd - least[series_of(name)] - LICENCE) < SLACK and usd > least[series_of(name)] * 1.05
        else usd
        for name, usd in prices.items()
    }


def believed(prices: Mapping[str, float], home: Mapping[str, float]) -> dict[str, float]:
    """Without the series that cost something out of all proportion to East US."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for name in prices.keys() & home.keys():
        ratios[series_of(name)].append(prices[name] / home[name])
    middle = {series: statistics.median(found) for series, found in ratios.items()}
    level = statistics.median(middle.values() or [1.0])
    wrong = {series for series, ratio in middle.items() if not SENSE[0] <= ratio / level <= SENSE[1]}
    return {name: usd for name, usd in prices.items() if series_of(name) not in wrong}


def runs(figures: Sequence[int]) -> Iterator[str]:
    """Figures as text; neighbours that are alike as one."""
    alike: list[int] = []
    for each in figures:
        last = alike[-1] if alike else 0
        alike.append(last if abs(each - last) <= ALIKE * last else each)
    for figure, group in groupby(alike):
        count = len(list(group))
        yield f"{figure}*{count}" if count > 1 else str(figure)


def positions(text: str) -> Iterator[int]:
    """The sizes of a region, as sizes.json writes them."""
    for run in text.split():
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)


def document(table: str) -> str:
    """The whole file."""
    day, prices = read(table)
    known = json.loads(SIZES.read_text())
    sizes = {name.lower(): cores for name, (cores, _, _) in known["sizes"].items()}
    names = list(sizes)
    for_a_vcpu = {
        region: mended({name: usd / sizes[name] for name, usd in here.items() if name in sizes})
        for region, here in prices.items()
    }
    home = for_a_vcpu["eastus"]
    lines = []
    for region, text in known["regions"].items():
        here = believed(for_a_vcpu.get(region, {}), home)
        figures = [round(here.get(names[at], 0) / UNIT) for at in positions(text)]
        lines.append(f'    "{region}": "{" ".join(runs(figures))}"')
    head = {"date": day, "source": SOURCE, "note": NOTE}
    body = ",\n".join(lines)
    start = json.dumps(head, indent=2).removesuffix("\n}")
    return f'{start},\n  "regions": {{\n{body}\n  }}\n}}\n'


if __name__ == "__main__":
    PRICES.write_text(document(Path(sys.argv[1]).read_text()))
