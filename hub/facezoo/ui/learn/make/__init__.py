"""Makes the exhibits of the Learn tab: `python -m facezoo.ui.learn.make [GROUP...]`."""
