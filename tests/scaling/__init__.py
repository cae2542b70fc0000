"""A pool of Azure Batch against time: which nodes a way of scaling pays for, and how long tasks wait."""
