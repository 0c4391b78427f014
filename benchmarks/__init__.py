"""How fast Marquee is, measured against bounds and peers on the same machine in the same run."""
