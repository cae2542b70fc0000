"""Blob storage: $URL/blob/{account}/{container}/{blob}, with roles for data and without account keys."""
