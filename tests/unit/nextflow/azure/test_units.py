"""Durations and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.units import duration, seconds, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48h", 172800),
        ("2 min", 120),
        ("1d 12h", 129600),
        ("10.min", 600),
        ("250ms", 0.25),
        (1500, 1.5),
        ("1.5h", 5400),
    ],
)
def test_durations(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "48", "h", "1x", "-1h", None, True, "1h" * 9, [], "1" * 13 + "h"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        seconds(text)


@given(st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000))
def test_a_duration_is_written_as_it_is_read(value):
    assert seconds(duration(value)) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("16.GB", 16 << 30), ("500 MB", 500 << 20), ("1.5GB", 3 << 29), (7, 7), ("7", 7), ("2 tb", 2 << 40)],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "1 XB", "-1 GB", None, True, 1.5])
def test_what_is_no_size(text):
    with pytest.raises(ValueError):
        size(text)
