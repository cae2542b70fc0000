"""Records as the public API shows them. Pure; absent values are left out rather than null."""
