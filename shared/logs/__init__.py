"""Where log lines and files of runs are read, one module for each kind of place."""
