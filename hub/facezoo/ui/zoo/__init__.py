"""The Zoo tab."""
