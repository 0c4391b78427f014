"""Two clients to compare the pipeline with: the simplest one, and the fastest Python has."""

from __future__ import annotations

from collections.abc import Sequence

CONNECTIONS = 20  # as the pipeline


def fetch_serially(base_url: str, credential: str, movies: Sequence[int]) -> int:
    """Ask for one movie after the other, over one connection; return how many came."""
    import requests

    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {credential}"
        fetched = 0
        for movie_id in movies:
            answer = session.get(f"{base_url}/movie/{movie_id}", timeout=30)
            answer.raise_for_status()
            fetched += answer.json()["id"] == movie_id
    return fetched


def fetch_with_asyncio(
    base_url: str, credential: str, movies: Sequence[int], per_second: float | None
) -> int:
    """Ask for 20 movies at a time, at an even pace; parse and drop them; return how many came.

    No retries, no checks, no landing: a lower bound for what Python takes.
    """
    import asyncio

    import aiohttp

    async def fetch() -> int:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        headers = {"Authorization": f"Bearer {credential}"}
        loop = asyncio.get_running_loop()
        begun = loop.time()
        waiting = iter(enumerate(movies))
        fetched = 0

        async def worker(session: aiohttp.ClientSession) -> None:
            nonlocal fetched
            for place, movie_id in waiting:
                if per_second:
                    await asyncio.sleep(begun + place / per_second - loop.time())
                async with session.get(f"{base_url}/movie/{movie_id}") as answer:
                    answer.raise_for_status()
                    fetched += (await answer.json())["id"] == movie_id

        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))
        return fetched

    return asyncio.run(fetch())
