"""Holds what the node does, whoever asks."""
