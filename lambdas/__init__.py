"""AWS shells: each translates one Lambda event for one step, and decides nothing."""
