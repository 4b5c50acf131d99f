"""The commands `genkan homes ...`: where homes are, and which are nobody's any more."""
