"""Images and texts to our own endpoints."""
