"""Pools that Nextflow makes: their settings, and the names it will give them. Pure.

The name of an autopool hashes its size, its settings and the process's resource labels. The most nodes, the
interval of its formula and who it runs as are not in it: whoever changes only those gets the old pool, as it
was made. A label that changes with each run makes a pool for each run, until the account's pools are used up.
"""

import re
import struct
from collections.abc import Mapping

from shared.errors import Fault, Invalid
from shared.model.records import Model
from shared.nextflow.azure.murmur import murmur3
from shared.nextflow.azure.selection import DEFAULT_TYPE

PUBLISHER, OFFER, SKU = "microsoft-dsvm", "ubuntu-hpc", "batch.node.ubuntu 24.04"
"""The image of a pool of which nobody says one."""
POOL_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
"""What Nextflow takes as `queue`, with Azure's longest."""


class PoolSettings(Model, frozen=True, kw_only=True):
    """`azure.batch.pools.<name>`, with Nextflow's defaults. `most` 0 is three times `count`; `interval` is in
    seconds."""

    size: str = DEFAULT_TYPE
    count: int = 1
    most: int = 0
    auto_scale: bool = False
    formula: str = ""
    interval: float = 300.0
    policy: str = ""
    low_priority: bool = False
    publisher: str = PUBLISHER
    offer: str = OFFER
    sku: str = SKU
    privileged: bool = False
    run_as: str = ""
    share_root: str = ""
    subnet: str = ""
    start_script: str = ""
    start_privileged: bool = False
    registry: str = ""
    user: str = ""
    password: str = ""

    @property
    def limit(self) -> int:
        """The most nodes."""
        return self.most or self.count * 3

    @property
    def shares_under(self) -> str:
        """Where file shares are mounted on a node."""
        if self.share_root or not re.search("centos|ubuntu", self.sku):
            return self.share_root
        return ("/mnt/resource" if "centos" in self.sku else "/mnt") + "/batch/tasks/fsmounts"


def autopool_id(size: str, settings: PoolSettings, labels: Mapping[str, str] | None = None) -> str:
    """The pool that Nextflow makes, or takes again, for tasks of such a size: with nf-azure 1.23.2.

    Labels count by name and value since Nextflow 26.04; before, by their values alone, in the order in which
    they are said. Without labels (None) all releases agree."""
    data = _chars(size) + _settings(settings)
    if labels is not None:
        data += _unordered(labels)
    return f"nf-pool-{murmur3(data).hex()}-{size}"


def check_pool_id(name: str) -> None:
    """Raises Invalid for what is no pool's id."""
    if not POOL_ID.fullmatch(name):
        raise Invalid(
            Fault("queue", f"{name!r} is no pool id: up to 64 letters, digits, hyphens and underscores")
        )


def _settings(of: PoolSettings) -> bytes:
    before = (of.run_as, of.privileged, of.publisher, of.offer, of.sku, of.size, of.shares_under)
    mine = (of.registry, of.user, of.password, of.count, of.auto_scale, of.formula, of.policy, of.subnet)
    after = (of.low_priority, of.start_script, of.start_privileged)
    return b"".join(_bytes(each) for each in (*before, *mine, *after))


def _bytes(value: str | bool | int) -> bytes:
    if isinstance(value, str):
        return _chars(value)
    return bytes([value]) if isinstance(value, bool) else struct.pack("<i", value)


def _chars(text: str) -> bytes:
    """As Java keeps a text."""
    return text.encode("utf-16-le", "surrogatepass")


def _unordered(labels: Mapping[str, str]) -> bytes:
    """The sum of the pairs' hashes, byte by byte: labels have no order."""
    found = bytearray(16)
    for name, value in labels.items():
        for at, each in enumerate(murmur3(_chars(name) + _chars(value))):
            found[at] = (found[at] + each) % 256
    return bytes(found)
