"""pix2pixhd: pictures from drawings at high resolution, from coarse to fine."""
