"""The platform `aws-batch`: a run is a head job on one queue, its tasks are jobs on another."""
