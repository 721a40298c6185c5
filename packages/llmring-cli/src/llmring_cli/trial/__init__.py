"""Try a successor: the same requests to the present model and to the proposed one, and what became different."""
