"""Function `logs`: finds a finished run's log and gives the run its final status. Its queue calls it."""

from functions.delivery import queue_functions

blueprint = queue_functions("logs")
