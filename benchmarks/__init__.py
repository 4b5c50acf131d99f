"""What Genkan costs in seconds and bytes: each benchmark is one module, `python -m benchmarks` runs them."""
