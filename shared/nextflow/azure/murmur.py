"""MurmurHash3, the 128 bit variant for x64 (public domain, Austin Appleby): Nextflow names pools by it."""

import struct

MASK = (1 << 64) - 1
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def murmur3(data: bytes, seed: int = 0) -> bytes:
    """The sixteen bytes of the hash."""
    first = second = seed
    whole = len(data) // 16 * 16
    for a, b in struct.iter_unpack("<QQ", data[:whole]):
        first ^= _mixed(a, C1, 31, C2)
        first = (_rotated(first, 27) + second) * 5 + 0x52DCE729 & MASK
        second ^= _mixed(b, C2, 33, C1)
        second = (_rotated(second, 31) + first) * 5 + 0x38495AB5 & MASK
    tail = data[whole:]
    first ^= _mixed(int.from_bytes(tail[:8], "little"), C1, 31, C2)
    second ^= _mixed(int.from_bytes(tail[8:], "little"), C2, 33, C1)
    return struct.pack("<QQ", *_finished(first ^ len(data), second ^ len(data)))


def _finished(first: int, second: int) -> tuple[int, int]:
    first = first + second & MASK
    second = second + first & MASK
    first, second = _avalanched(first), _avalanched(second)
    first = first + second & MASK
    return first, second + first & MASK


def _mixed(value: int, by: int, turn: int, then: int) -> int:
    return _rotated(value * by & MASK, turn) * then & MASK


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & MASK


def _avalanched(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33
