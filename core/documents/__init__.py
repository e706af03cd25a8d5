"""Makes documents from the records."""
