"""Hubs that differ in nothing but their spawner, side by side on one cluster."""
