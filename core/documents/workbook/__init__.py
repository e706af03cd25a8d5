"""Writes an Excel workbook of 50 tabs about the sales of a period."""
