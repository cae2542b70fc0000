"""What happens: one module per lifecycle step, deciding from records through ports."""
