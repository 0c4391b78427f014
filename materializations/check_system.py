"""Says in words what is wrong where the links in the root are text files (`marquee/__init__.py`).

SQLMesh imports this folder first. It holds no materialization; a link here could not do it.
"""

import marquee  # noqa: F401
