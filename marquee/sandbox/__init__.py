"""A local fake of TMDb v3: for people without a key, for demos and for tests.

`movies.load` says what there is to serve, `server.Sandbox` serves it. Start it by hand with
`python -m marquee.sandbox --port 8899`.
"""
