"""The hub: the web page, its HTTP endpoints and its look. The only part of facezoo that imports gradio."""
