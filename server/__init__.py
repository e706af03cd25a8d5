"""Is the callers' door: gRPC, admin pages and the command line."""
