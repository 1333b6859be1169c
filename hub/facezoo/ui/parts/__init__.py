"""Pieces that several pages share: cards, the picture input, the persona chooser, parameter widgets, running work."""
