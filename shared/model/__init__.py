"""What exists: environments, runs, machines, resources, messages. No I/O, no SDK, no decisions."""
