"""The zoo: weights from the Hub and to it, their records and cards, and the synthetic people and pictures that ship."""
