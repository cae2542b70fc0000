"""Reads and works out Bicep files, since there is no compiler to be had offline: pycep knows the syntax only,
and accepts a variable that nobody declared."""
