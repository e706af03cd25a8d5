"""Starts jobs by the clock."""
