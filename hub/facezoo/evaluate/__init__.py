"""How good results are: what a swap kept and whom it looks like, and how well a photo follows a driver."""
