"""Where records live: one implementation of the Store port for each host."""
