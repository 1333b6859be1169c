"""The Learn tab: how each idea works, shown with pictures that ship."""
