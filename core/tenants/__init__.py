"""Knows tenants and the credentials of their callers."""
