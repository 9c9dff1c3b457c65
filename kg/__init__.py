"""Chancery: a knowledge graph of geopolitics, from extracted facts to a served, linked graph."""

__version__ = "0.1.0"
