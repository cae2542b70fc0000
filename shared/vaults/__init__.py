"""How secrets are sealed: one implementation of the Vault port for each host."""
