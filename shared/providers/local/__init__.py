"""This machine as a cloud: a machine is a sandboxed process tree."""
