"""What sizes cost: by region, from a list that a program reads and mends."""

import json

import pytest

from infra.azure_prices import NOTE, believed, document, mended, read, runs
from shared.errors import Invalid
from shared.nextflow.azure import catalogue

TABLE = """
// generated at 2026-06-18T03:43:41Z
	initialOnDemandPrices["eastus"] = map[string]float64{
		"Standard_D2as_v5":       0.178000,
		"Standard_D4as_v5":       0.172000,
		"Standard_D8as_v5":       0.344000,
	}
	initialOnDemandPrices["westeurope"] = map[string]float64{
		"Standard_D4as_v5":       0.208000,
		"Standard_Nothing":       1.000000,
	}
"""


def usd(name: str, region: str) -> float:
    return next(each.usd for each in catalogue.sizes(region) if each.name == name)


def test_a_size_costs_what_its_region_asks() -> None:
    assert usd("Standard_D4ds_v5", "eastus") == 0.226
    assert usd("Standard_D4ds_v5", "westeurope") == pytest.approx(0.272, rel=0.003)
    known = catalogue.size("standard_d4ds_v5")
    assert known
    assert known.usd == 0.226


def test_nearly_every_size_has_a_price_in_every_region() -> None:
    for region in catalogue.regions():
        sizes = catalogue.sizes(region)
        assert sum(each.usd > 0 for each in sizes) > 0.85 * len(sizes), region


def test_a_price_with_a_licence_is_the_one_without_it() -> None:
    day, prices = read(TABLE)
    assert day == "2026-06-18"
    assert prices["eastus"]["standard_d2as_v5"] == 0.178
    found = mended({"standard_d2as_v5": 0.089, "standard_d4as_v5": 0.043, "standard_e4as_v5": 0.1025})
    assert found == {"standard_d2as_v5": 0.043, "standard_d4as_v5": 0.043, "standard_e4as_v5": 0.1025}


def test_a_price_out_of_all_proportion_is_left_out() -> None:
    home = {"standard_d2s_v5": 0.048, "standard_e2s_v5": 0.063, "standard_f2s_v2": 0.042}
    here = {"standard_d2s_v5": 0.058, "standard_e2s_v5": 0.076, "standard_f2s_v2": 0.1}
    assert believed(here, home) == {"standard_d2s_v5": 0.058, "standard_e2s_v5": 0.076}


def test_what_is_written_is_what_the_table_says() -> None:
    found = json.loads(document(TABLE))
    assert (found["date"], found["note"]) == ("2026-06-18", NOTE)
    assert set(found["regions"]) == set(catalogue.regions())
    at = [each.name for each in catalogue.sizes("eastus")].index("Standard_D2as_v5")
    figures = [
        int(figure)
        for run in found["regions"]["eastus"].split()
        for figure in [run.partition("*")[0]] * int(run.partition("*")[2] or 1)
    ]
    assert figures[at : at + 3] == [4300] * 3
    assert list(runs([4800, 4810, 0, 0, 77])) == ["4800*2", "0*2", "77"]
    with pytest.raises(Invalid):
        document("a page that says that there is none")
