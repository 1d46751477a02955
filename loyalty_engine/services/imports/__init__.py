"""A shop's own history and lists, read from files into the values that the services take, nothing twice."""
