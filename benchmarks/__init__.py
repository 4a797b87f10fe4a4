"""Measurements, a file a question; each writes its result to results/ and is run by hand, never by a test."""
