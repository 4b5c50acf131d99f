"""Texts for people: written in English, kept as what they say, and shown in the language of whoever reads them."""
