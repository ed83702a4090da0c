"""Dataset folders, precomputed-feature folders, augmentation and collation."""
