"""What a GPU gives, held against the CPU: `python -m benchmarks.gpu_check`."""
