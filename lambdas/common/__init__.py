"""What the functions share: bodies, limits, answers, errors and observation."""
