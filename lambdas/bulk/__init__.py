"""The worker of bulk runs: a batch of objects in, an outcome for each object out."""
