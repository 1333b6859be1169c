"""How good a result is: measures taken on the delivered file."""
