"""What every host shares: the model, the steps, the ports, and what stands behind them.

Importing this package loads no cloud SDK (a test sees to that).
"""
