"""The HTTP API: one router file for each resource. It checks input, calls a step, shapes the answer."""
