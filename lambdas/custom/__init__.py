"""Images, texts and sequences to our own endpoints."""
