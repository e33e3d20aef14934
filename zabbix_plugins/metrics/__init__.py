"""Counts become metrics: one family per file, each a pure function of counts. What they state is in the catalogue."""
