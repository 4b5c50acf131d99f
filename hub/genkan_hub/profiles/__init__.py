"""The commands `genkan profiles ...`: what users can choose from."""
