"""What leaves the collector: documents for external checks, values pushed to trapper items."""
