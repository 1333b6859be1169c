"""Consent, content, watermark, C2PA and the seal that puts them on every result."""
