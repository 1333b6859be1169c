"""The zoo: the synthetic people and example pictures that ship with facezoo, and the cards of its methods."""
