"""Takes, keeps and hands out files."""
