"""What visitors bring: files read with suspicion, and a gallery of them that is theirs alone."""
