"""Names, for each service, what decodes, answers and encodes each method."""
