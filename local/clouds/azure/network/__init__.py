"""Virtual networks, subnets, network interfaces and public addresses."""
