"""Files and pictures: read within bounds, written whole or not at all."""
