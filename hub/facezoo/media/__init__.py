"""Pictures and clips in and out: `read` (the only decoder of untrusted bytes), `video`, `write` (for safety only)."""
