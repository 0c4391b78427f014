"""What Marquee is compared with: bounds and peers, and its own loader without HTTP."""
