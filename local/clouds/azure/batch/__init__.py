"""Azure Batch: accounts and pools as ARM knows them, and the accounts' own service."""
