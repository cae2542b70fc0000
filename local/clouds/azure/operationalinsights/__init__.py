"""Log Analytics workspaces and their tables."""
