"""How messages wait: one implementation of the Queue port for each host."""
