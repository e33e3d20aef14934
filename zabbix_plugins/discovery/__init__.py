"""Rows for low-level discovery: what exists below a host."""
