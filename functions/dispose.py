"""Function `dispose`: removes an environment and proves that nothing is left. Its queue calls it."""

from functions.delivery import queue_functions

blueprint = queue_functions("dispose")
