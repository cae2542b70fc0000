"""Benchmarks: `make bench` runs them all. Each compares within one run; none is a timed test."""
