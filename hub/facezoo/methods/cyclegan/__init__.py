"""cyclegan: one kind of picture turned into another, learned without pairs."""
