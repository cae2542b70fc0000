"""Key vaults: RSA keys that wrap other keys and never leave."""
