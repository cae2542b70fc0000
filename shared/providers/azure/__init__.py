"""How Azure does it. SDKs are imported only where a token is asked for or a request is sent."""
