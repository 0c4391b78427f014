"""Marquee: a movie-analytics warehouse on dlt and SQLMesh."""
