"""Holds what surrounds the running of messages, one concern per file."""
