"""Speech: what a voice says and when, and the mouth, head and eyes of somebody who says it."""
