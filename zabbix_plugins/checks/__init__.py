"""Metrics become documents: what an external check prints. One family per file; pure functions of the ledger."""
