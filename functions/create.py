"""Function `create`: makes what an environment is made of. Its queue calls it."""

from functions.delivery import queue_functions

blueprint = queue_functions("create")
