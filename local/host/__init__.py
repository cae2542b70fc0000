"""The parts of the one-machine host: lock, web server, workers, timers, first token."""
