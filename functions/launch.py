"""Function `launch`: gives a run its machine. Its queue calls it."""

from functions.delivery import queue_functions

blueprint = queue_functions("launch")
