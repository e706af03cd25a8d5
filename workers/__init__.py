"""Is the queue's door: Dramatiq actors, the dispatcher and their processes."""
