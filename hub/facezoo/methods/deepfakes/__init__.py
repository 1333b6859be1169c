"""deepfakes: one encoder for everybody, one decoder a persona."""
