"""A chain of stores that trades, and the faults that befall it. Knows nothing of what reads its journals."""
