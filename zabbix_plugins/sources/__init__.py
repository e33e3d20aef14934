"""Journal sources: the only part that opens journals. They give bytes and positions, and know no reader."""
