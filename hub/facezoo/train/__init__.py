"""What training scripts share: pictures, settings, scores and publishing. Loops live in the scripts."""
