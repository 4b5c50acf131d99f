"""Shares of the cluster, as numbers for quotas."""
