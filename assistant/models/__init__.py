"""Model files: which there are, how they come here, and whether they are whole."""
