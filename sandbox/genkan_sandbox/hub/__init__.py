"""The hub and the proxy of a sandbox: Genkan's own configuration plus addresses, a password and demo users."""
