"""The model, one part of the paper a file. Knows no gallery, no file, no screen."""
