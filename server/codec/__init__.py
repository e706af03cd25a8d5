"""Turns protobuf messages into commands and values into messages."""
