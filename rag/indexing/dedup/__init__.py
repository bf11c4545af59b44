"""Find records of the same work and fold them."""
