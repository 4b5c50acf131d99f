"""The command `genkan explain`."""
