"""AWS shells: each translates one Lambda event for one step, and decides nothing."""

import gc

# What a function loads when it starts lives as long as its process: looking through it for garbage,
# again and again while it loads, costs the API a sixth of its cold start.
gc.set_threshold(100_000, 20, 20)
