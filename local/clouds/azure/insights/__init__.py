"""Data collection endpoints and rules: the way of log records into tables."""
