"""The commands of `tillwatch`, one family per file: they assemble the parts and speak to the person at the shell."""
