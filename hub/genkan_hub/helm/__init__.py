"""Values for the Helm charts, written from the catalogue."""
