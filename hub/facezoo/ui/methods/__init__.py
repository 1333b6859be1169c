"""The tab of each method."""
