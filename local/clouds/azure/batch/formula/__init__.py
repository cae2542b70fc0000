"""The language of autoscale formulas, as much of it as Nextflow's and the Platform's formulas use."""
