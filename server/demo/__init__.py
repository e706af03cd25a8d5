"""Shows on real data what a node does, calling it as any client would."""
