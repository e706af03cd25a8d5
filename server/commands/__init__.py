"""Holds the commands of `howdah`, one file each; server/cli.py loads the one that runs."""
