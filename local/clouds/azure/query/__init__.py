"""The query API of Log Analytics, for the part of its language that asks for rows."""
