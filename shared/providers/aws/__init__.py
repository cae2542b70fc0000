"""How AWS does it. The SDK is imported only where a client is made or an error is read."""
