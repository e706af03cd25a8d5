"""Tells what the node is."""
