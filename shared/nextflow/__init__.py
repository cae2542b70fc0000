"""Launches in Nextflow's own terms: the runner's spec, configs, and the first boot."""
