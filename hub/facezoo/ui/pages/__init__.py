"""The tabs of the hub, one file each."""
