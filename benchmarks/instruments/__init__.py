"""What benchmarks measure with: processors, the API server's log, the event loop, pods."""
