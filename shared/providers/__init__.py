"""How each cloud does it. A provider acts and decides nothing; providers know nothing of one another."""
