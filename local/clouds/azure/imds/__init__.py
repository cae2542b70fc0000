"""What a VM can ask about itself: identity tokens, instance metadata, scheduled events."""
