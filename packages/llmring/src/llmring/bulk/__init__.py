"""Bulk jobs: any number of requests, their outcomes, their batches at providers."""
