"""Your machine: the one-process host, the command line, the demo and the emulated clouds."""
