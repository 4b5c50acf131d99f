"""What becomes of a server's pod: its steps on the way to a running server, and why it ended if it did."""
