"""What calls cost, what they may cost, and what they used where nobody says."""
