"""What moves: a face's motion read, kept, smoothed, and given to a photo."""
