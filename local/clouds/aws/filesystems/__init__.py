"""File systems of AWS, strictly: states on the way, tokens, and the only order in which they can go."""
