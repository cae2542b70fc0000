"""Nextflow's Azure features, foreseen: which VM it will take, how many slots a task has, what its pools are
called, how they scale, and whether its settings will work. All of it pure, so that what would fail in the
middle of a run is said before anything is paid for.

Nextflow's own rules are those of its Azure plugin 1.23.2 (nf-azure, August 2026); where we do better, both
answers are given.
"""
