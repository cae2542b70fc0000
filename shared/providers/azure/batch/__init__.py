"""The platform `azure-batch`."""
