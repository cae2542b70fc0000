"""What is deployed: templates, one least-privilege policy per function, packaging."""
