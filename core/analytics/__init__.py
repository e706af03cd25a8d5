"""Computes figures over the invoices."""
