"""`make images`: images that are built, held against every check, pushed and promoted on one machine."""
