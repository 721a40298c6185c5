"""Providers over HTTP: an adapter and a transport make one."""
