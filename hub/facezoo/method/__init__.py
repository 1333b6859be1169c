"""What every method is."""
