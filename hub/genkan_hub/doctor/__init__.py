"""Whether cluster, rights, shares, storage and catalogue fit together, with the mend for what does not."""
