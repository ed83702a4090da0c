"""Files and pictures: read within limits, written completely or not at all."""
