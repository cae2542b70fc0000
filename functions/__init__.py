"""Azure shells: each translates one Functions trigger for one step, and decides nothing.

All of them are loaded to be indexed, wherever one of them runs, and one that cannot be loaded would take the
others with it. So a module here imports `azure.functions` only, and a handler imports its step when called.
"""
