"""Runs work that goes on after the call that started it."""
