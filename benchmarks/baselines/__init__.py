"""Who is measured: Marquee's own code, bounds and peers. Each function runs in its own process."""
