"""The Verify tab."""
