"""Who is who, and tokens for them: the token endpoint, and that of a Function's own identity."""
