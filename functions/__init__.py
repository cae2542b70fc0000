"""Azure shells: each translates one Functions trigger for one step, and decides nothing.

All of them are loaded to be indexed, wherever one of them runs, and one that cannot be loaded would take the
others with it. So a module here imports `azure.functions` only, and a handler imports its step when called.
"""

import gc

# As in a Lambda: what is loaded at the start lives as long as the process.
gc.set_threshold(100_000, 20, 20)
