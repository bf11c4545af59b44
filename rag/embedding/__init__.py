"""Vectors of texts, and what makes two languages one space."""
