"""Training: settings, the loop, losses and what they need."""
