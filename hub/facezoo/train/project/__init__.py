"""A training project of the hub: faces gathered, a network trained, pictures made."""
