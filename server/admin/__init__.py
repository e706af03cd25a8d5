"""Shows operators how the node is: health, readiness and metrics over HTTP."""
