"""Cores and quota families of VM sizes, read from their names; and the images that pools can have."""

import re

_SIZE = re.compile(
    r"(?:standard_)?([a-z]+)(\d+)(?:-(\d+))?([a-z]*)((?:_(?!v\d)[a-z]+\d+)*)(?:_(v\d+))?", re.IGNORECASE
)
_TWICE = {"D2": 2, "D3": 4, "D4": 8, "D5": 16, "D11": 2, "D12": 4, "D13": 8, "D14": 16, "D15": 20}
"""Sizes of the second generation, whose number is none of cores."""
_FAMILIES = {
    "DASv6": "Dav6", "DADSv6": "Dadv6", "DALSv6": "Dalv6", "DALDSv6": "Daldv6", "EASv6": "Eav6",
    "EADSv6": "Eadv6", "BALSv2": "Basv2", "BLSv2": "Bsv2", "BPLSv2": "Bpsv2", "BMS": "BS", "BLS": "BS",
    "AMv2": "Av2",
}  # fmt: skip
"""What a size's name says -> what its family is called, where that is another (the service's list of sizes,
2026-07-16)."""


def cores(size: str) -> int:
    """vCPUs of a size; 0 for a text that is no size."""
    found = _SIZE.fullmatch(size)
    if found is None:
        return 0
    old = f"{found[1]}{found[2]}".upper().replace("DS", "D")
    if (found[6] or "").lower() == "v2" and old in _TWICE:
        return _TWICE[old]
    return int(found[3] or found[2])


def family(size: str) -> str:
    """The family that quotas are kept by: standardDDSv5Family for Standard_D4ds_v5."""
    found = _SIZE.fullmatch(size)
    if found is None:
        return ""
    letters = f"{found[1]}{found[4]}{found[5]}".replace("_", "").upper()
    said = f"{letters}{(found[6] or '').lower()}"
    return f"standard{_FAMILIES.get(said, said)}Family"


def _image(
    publisher: str, offer: str, sku: str, agent: str, ends: str = "", docker: bool = True
) -> dict[str, object]:
    shown: dict[str, object] = {
        "nodeAgentSKUId": agent,
        "imageReference": {"publisher": publisher, "offer": offer, "sku": sku, "version": "latest"},
        "verificationType": "verified",
        "osType": "linux",
        "capabilities": ["DockerCompatible"] if docker else [],
    }
    return {**shown, "batchSupportEndOfLife": ends} if ends else shown


_22, _24 = "batch.node.ubuntu 22.04", "batch.node.ubuntu 24.04"
_END = "2027-06-30T00:00:00Z"
IMAGES = (
    _image("microsoft-dsvm", "ubuntu-hpc", "2204", _22, _END),
    _image("microsoft-dsvm", "ubuntu-hpc", "2404", _24),
    _image("microsoft-dsvm", "ubuntu-hpc", "2404-arm64", _24),
    _image("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", _22, _END, docker=False),
    _image("canonical", "ubuntu-24_04-lts", "server", _24, docker=False),
    _image("almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9", docker=False),
)
"""Images of 2026, cut down: one Ubuntu with and one without Docker for each agent."""
AGENTS = frozenset(str(image["nodeAgentSKUId"]) for image in IMAGES)
