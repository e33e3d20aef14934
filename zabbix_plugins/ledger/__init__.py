"""The ledger: counters, resumable state and memories in one SQLite file. Nobody else knows its schema."""
