"""face2face: the landmarks of a face drawn as lines, and a network that paints a person over them."""
