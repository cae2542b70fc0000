"""Clouds emulated on this machine, spoken to over HTTP by the real SDKs. Nothing here ships to a cloud."""
