"""Blocks of networks that two or more methods share unchanged."""
