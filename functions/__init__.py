"""Azure shells: each translates one Functions trigger for one step, and decides nothing."""
