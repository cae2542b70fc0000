"""Logs Ingestion: records come in by a data collection rule."""
