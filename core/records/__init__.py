"""Keeps customers, products and invoices."""
