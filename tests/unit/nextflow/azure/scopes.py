"""Configs of the azure scope for tests: accounts, ways in, and what is said of a wrong one."""

from copy import deepcopy
from typing import Any

import pytest

from shared.errors import Invalid
from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.config import render

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86400.0
RUN = Run(longest=24 * HOUR, now=NOW)
GUID = "11111111-2222-3333-4444-555555555555"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5=="
SAS = "sv=2024-11-04&ss=b&srt=co&sp=rwdlac&se=2027-01-17T08:00:00Z&sig=c2ln"
ACCOUNTS: dict[str, Any] = {
    "storage": {"accountName": "store"},
    "batch": {"accountName": "acct", "location": "westeurope"},
}
SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"


def scope(**more: Any) -> dict[str, Any]:
    found = deepcopy(ACCOUNTS)
    for name, options in more.items():
        found.setdefault(name, {}).update(options)
    return found


IDENTITY = {"managedIdentity": {"clientId": GUID}}
PRINCIPAL = {
    "activeDirectory": {"servicePrincipalId": GUID, "servicePrincipalSecret": "s3cret", "tenantId": GUID}
}
KEYS = {"storage": {"accountKey": KEY}, "batch": {"accountKey": KEY}}


def said(given: dict[str, Any], run: Run = RUN) -> list[str]:
    with pytest.raises(Invalid) as error:
        render(given, run)
    return [str(each) for each in error.value.faults]


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    found = deepcopy(ACCOUNTS)
    for part in parts:
        for name, options in part.items():
            if isinstance(options, dict):
                found.setdefault(name, {}).update(deepcopy(options))
            else:
                found[name] = options
    return found
