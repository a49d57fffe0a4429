"""The guest that runs Python scripts: imported once, while the start image is made.

What a script could do to these modules does not matter to the host: whatever leaves the
guest is read as hostile, and the most that it can do is name tools.
"""

from . import library  # noqa: F401  first: it imports the standard library into the image
from .entry import WitWorld

__all__ = ["WitWorld"]
